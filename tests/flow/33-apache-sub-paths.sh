#!/usr/bin/env bash
# The flow of 31-sub-paths.sh behind Apache: as FastCGI, as CGI, and with .htaccess alone.
export FLOW_SERVERS='apache-proxy-fcgi apache-fcgid apache-cgid htaccess-fcgid htaccess-cgi'
exec bash "$(dirname "$0")/31-sub-paths.sh"
