/* Every route, once.  What the flags mean: router.h. */
#include "base/base.h"

#include "web/hook.h"
#include "web/page.h"
#include "web/site.h"

static const struct route routes[] = {
    {"GET", "/", page_home, 0},
    {"GET", "/status.json", page_status, 0},
    {"GET", "/connections", page_connections, 0},
    {"GET", "/connections/new/:driver", page_connection_new, 0},
    {"POST", "/connections/new/:driver", page_connection_create, 0},
    {"GET", "/connections/:connection", page_connection, 0},
    {"POST", "/connections/:connection", page_connection_save, 0},
    {"GET", "/connections/:connection/status.json", page_connection_status, 0},
    {"POST", "/connections/:connection/:action", page_connection_action, ROUTE_OPERATOR},
    {"GET", "/syncs", page_syncs, 0},
    {"GET", "/syncs/status.json", page_syncs_status, 0},
    {"GET", "/syncs/new", page_sync_new, 0},
    {"POST", "/syncs/new", page_sync_create, 0},
    {"GET", "/syncs/:sync", page_sync, 0},
    {"POST", "/syncs/:sync", page_sync_save, 0},
    {"GET", "/syncs/:sync/status.json", page_sync_status, 0},
    {"POST", "/syncs/:sync/start", page_sync_start, 0},
    {"POST", "/syncs/:sync/pause", page_sync_pause, ROUTE_OPERATOR},
    {"POST", "/syncs/:sync/resume", page_sync_resume, ROUTE_OPERATOR},
    {"POST", "/syncs/:sync/resync/:turn", page_sync_resync, ROUTE_OPERATOR},
    {"POST", "/syncs/:sync/delete", page_sync_delete, 0},
    {"GET", "/syncs/:sync/preview", page_preview, 0},
    {"GET", "/syncs/:sync/preview/status.json", page_preview_status, 0},
    {"POST", "/syncs/:sync/preview/:action", page_preview_action, ROUTE_OPERATOR},
    {"GET", "/oauth/callback", page_oauth_callback, 0},
    {"GET", "/activity", page_activity, 0},
    {"POST", "/activity/replay", page_activity_replay, ROUTE_OPERATOR},
    {"GET", "/activity/:stamp", page_event, 0},
    {"POST", "/activity/:stamp", page_event_replay, ROUTE_OPERATOR},
    {"GET", "/syncs/:sync/mapping", page_mapping, 0},
    {"POST", "/syncs/:sync/mapping", page_mapping_edit, 0},
    {"GET", "/syncs/:sync/mapping.json", page_mapping_file, 0},
    {"GET", "/syncs/:sync/mapping/status.json", page_mapping_status, 0},
    {"GET", "/syncs/:sync/mapping/:object", page_mapping_object, 0},
    {"POST", "/syncs/:sync/mapping/:object", page_mapping_object_edit, 0},
    {"GET", "/customers", page_customers, 0},
    {"GET", "/customers/:connection", page_customer, 0},
    {"POST", "/customers/:connection", page_customer_send, ROUTE_OPERATOR},
    {"GET", "/records/:sync/:object", page_record, 0},
    {"POST", "/records/:sync/:object", page_record_press, ROUTE_OPERATOR},
    {"GET", "/problems", page_problems, 0},
    {"GET", "/problems/:crm/:sync/:object", page_problem, 0},
    {"POST", "/problems/:crm/:sync/:object", page_problem_press, ROUTE_OPERATOR},
    {"GET", "/revenue", page_revenue, 0},
    {"POST", "/revenue", page_revenue_press, ROUTE_OPERATOR},
    {"GET", "/revenue/status.json", page_revenue_status, 0},
    {"GET", "/revenue/movements.csv", page_revenue_file, 0},
    {"GET", "/setup", page_setup, ROUTE_PUBLIC},
    {"POST", "/setup", page_setup_make, ROUTE_PUBLIC},
    {"POST", "/setup/dismiss", page_setup_dismiss, 0},
    {"GET", "/alerts", page_alerts, 0},
    {"POST", "/alerts", page_alerts_save, 0},
    {"GET", "/alerts/new/:kind", page_alert_new, 0},
    {"POST", "/alerts/new/:kind", page_alert_create, 0},
    {"GET", "/alerts/:target", page_alert_target, 0},
    {"POST", "/alerts/:target", page_alert_save, 0},
    {"POST", "/alerts/:target/test", page_alert_test, ROUTE_OPERATOR},
    {"POST", "/alerts/:target/remove", page_alert_remove, 0},
    {"GET", "/login", page_login, ROUTE_PUBLIC},
    {"POST", "/login", page_login_post, ROUTE_PUBLIC},
    {"POST", "/logout", page_logout, ROUTE_VIEWER},
    {"GET", "/healthz", page_health, ROUTE_PUBLIC},
    {"GET", "/static/:name", page_static, ROUTE_PUBLIC},
    {"POST", "/hook/:connection", hook_receive, ROUTE_PUBLIC | ROUTE_RAW},
};

const struct route *
site_routes(size_t *n_r)
{
	*n_r = BH_LEN(routes);
	return routes;
}
