/* The functions behind the routes.  Each: 0 with an answer, -1 for the error page. */
#ifndef WEB_PAGE_H
#define WEB_PAGE_H

#include "web/site.h"

int page_home(struct exchange *exchange, struct bh_err *err);
/* The same facts as JSON {"key":"text"}, for the script that refreshes the page. */
int page_status(struct exchange *exchange, struct bh_err *err);
/*
 * Public, without names: 200 while webhooks can be stored, else 503; with the query strict
 * also 503 while what was stored does not get on.  See sync/health.h.
 */
int page_health(struct exchange *exchange, struct bh_err *err);
/* For who has the token of state/monitor.h; 404 while there is none. */
int page_metrics(struct exchange *exchange, struct bh_err *err);

int page_connections(struct exchange *exchange, struct bh_err *err);
int page_connection_new(struct exchange *exchange, struct bh_err *err);
int page_connection_create(struct exchange *exchange, struct bh_err *err);
int page_connection(struct exchange *exchange, struct bh_err *err);
int page_connection_save(struct exchange *exchange, struct bh_err *err);
/* The facts of a connection's page as JSON {"key":"text"}. */
int page_connection_status(struct exchange *exchange, struct bh_err *err);
int page_connection_action(struct exchange *exchange, struct bh_err *err);
/* Where a CRM sends the browser of a person who let Billhook in, or did not. */
int page_oauth_callback(struct exchange *exchange, struct bh_err *err);

int page_syncs(struct exchange *exchange, struct bh_err *err);
int page_syncs_status(struct exchange *exchange, struct bh_err *err);
int page_sync_new(struct exchange *exchange, struct bh_err *err);
int page_sync_create(struct exchange *exchange, struct bh_err *err);
int page_sync(struct exchange *exchange, struct bh_err *err);
int page_sync_status(struct exchange *exchange, struct bh_err *err);
int page_sync_save(struct exchange *exchange, struct bh_err *err);
int page_sync_start(struct exchange *exchange, struct bh_err *err);
int page_sync_pause(struct exchange *exchange, struct bh_err *err);
int page_sync_resume(struct exchange *exchange, struct bh_err *err);
int page_sync_resync(struct exchange *exchange, struct bh_err *err);
int page_sync_delete(struct exchange *exchange, struct bh_err *err);

int page_preview(struct exchange *exchange, struct bh_err *err);
int page_preview_status(struct exchange *exchange, struct bh_err *err);
int page_preview_action(struct exchange *exchange, struct bh_err *err);
int page_sync_audit(struct exchange *exchange, struct bh_err *err);
int page_sync_audit_status(struct exchange *exchange, struct bh_err *err);
/* The differences as CSV. */
int page_sync_audit_file(struct exchange *exchange, struct bh_err *err);
int page_sync_audit_action(struct exchange *exchange, struct bh_err *err);
int page_sync_undo(struct exchange *exchange, struct bh_err *err);
int page_sync_undo_status(struct exchange *exchange, struct bh_err *err);
/* Looks, puts back, stops, goes on, lets go. */
int page_sync_undo_action(struct exchange *exchange, struct bh_err *err);

int page_activity(struct exchange *exchange, struct bh_err *err);
int page_activity_status(struct exchange *exchange, struct bh_err *err);
int page_activity_replay(struct exchange *exchange, struct bh_err *err);
int page_event(struct exchange *exchange, struct bh_err *err);
int page_event_replay(struct exchange *exchange, struct bh_err *err);

int page_mapping(struct exchange *exchange, struct bh_err *err);
int page_mapping_edit(struct exchange *exchange, struct bh_err *err);
int page_mapping_status(struct exchange *exchange, struct bh_err *err);
/* The mapping as a file. */
int page_mapping_file(struct exchange *exchange, struct bh_err *err);
int page_mapping_object(struct exchange *exchange, struct bh_err *err);
int page_mapping_object_edit(struct exchange *exchange, struct bh_err *err);
/* What a row as it is being typed would make of the sample, as JSON; nothing is stored. */
int page_mapping_try(struct exchange *exchange, struct bh_err *err);
int page_customers(struct exchange *exchange, struct bh_err *err);
int page_customer(struct exchange *exchange, struct bh_err *err);
int page_customer_send(struct exchange *exchange, struct bh_err *err);
int page_record(struct exchange *exchange, struct bh_err *err);
int page_record_press(struct exchange *exchange, struct bh_err *err);
int page_problems(struct exchange *exchange, struct bh_err *err);
int page_problem(struct exchange *exchange, struct bh_err *err);
int page_problem_press(struct exchange *exchange, struct bh_err *err);

int page_automations(struct exchange *exchange, struct bh_err *err);
int page_automation_new(struct exchange *exchange, struct bh_err *err);
int page_automation_create(struct exchange *exchange, struct bh_err *err);
int page_automation(struct exchange *exchange, struct bh_err *err);
int page_automation_status(struct exchange *exchange, struct bh_err *err);
int page_automation_save(struct exchange *exchange, struct bh_err *err);
int page_automation_press(struct exchange *exchange, struct bh_err *err);

int page_revenue(struct exchange *exchange, struct bh_err *err);
int page_revenue_status(struct exchange *exchange, struct bh_err *err);
/* The movements as CSV. */
int page_revenue_file(struct exchange *exchange, struct bh_err *err);
int page_revenue_press(struct exchange *exchange, struct bh_err *err);

/* The first administrator while there is no user, then the list of first steps. */
int page_setup(struct exchange *exchange, struct bh_err *err);
int page_setup_make(struct exchange *exchange, struct bh_err *err);
int page_setup_dismiss(struct exchange *exchange, struct bh_err *err);

/* For the home page: "alerts_failing", names of targets that do not take messages, and "alerts_url". */
int alerts_hint(struct exchange *exchange, json_t *model, struct bh_err *err);
int page_alerts(struct exchange *exchange, struct bh_err *err);
int page_alerts_save(struct exchange *exchange, struct bh_err *err);
int page_alert_new(struct exchange *exchange, struct bh_err *err);
int page_alert_create(struct exchange *exchange, struct bh_err *err);
int page_alert_target(struct exchange *exchange, struct bh_err *err);
int page_alert_save(struct exchange *exchange, struct bh_err *err);
int page_alert_test(struct exchange *exchange, struct bh_err *err);
int page_alert_remove(struct exchange *exchange, struct bh_err *err);
/* Below /settings all but the first three is for administrators: others get 403. */
int page_settings(struct exchange *exchange, struct bh_err *err);
int page_settings_password(struct exchange *exchange, struct bh_err *err);
int page_settings_sessions(struct exchange *exchange, struct bh_err *err);
int page_settings_users(struct exchange *exchange, struct bh_err *err);
int page_settings_monitor(struct exchange *exchange, struct bh_err *err);
int page_user(struct exchange *exchange, struct bh_err *err);
int page_user_press(struct exchange *exchange, struct bh_err *err);
int page_audit(struct exchange *exchange, struct bh_err *err);
int page_options(struct exchange *exchange, struct bh_err *err);
int page_options_change(struct exchange *exchange, struct bh_err *err);
int page_backup(struct exchange *exchange, struct bh_err *err);
int page_backup_status(struct exchange *exchange, struct bh_err *err);
/* Has one made, sends it (after the password), or removes it. */
int page_backup_press(struct exchange *exchange, struct bh_err *err);
/* One person's data; the question before it is erased; looks, sends, erases (after the password), forgets. */
int page_person(struct exchange *exchange, struct bh_err *err);
int page_person_status(struct exchange *exchange, struct bh_err *err);
int page_person_ask(struct exchange *exchange, struct bh_err *err);
int page_person_press(struct exchange *exchange, struct bh_err *err);
int page_configuration(struct exchange *exchange, struct bh_err *err);
int page_configuration_change(struct exchange *exchange, struct bh_err *err);
/* The configuration as a file, without secrets. */
int page_configuration_file(struct exchange *exchange, struct bh_err *err);

int page_login(struct exchange *exchange, struct bh_err *err);
int page_login_post(struct exchange *exchange, struct bh_err *err);
int page_logout(struct exchange *exchange, struct bh_err *err);

int page_static(struct exchange *exchange, struct bh_err *err);

#endif
