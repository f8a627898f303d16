/* What others ask of us by rows of the catalog: looked for whenever another
 * process has committed something, 20 times a second (looking costs 40 us, so
 * more often would show in the CPU of each call).
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/role.h"
#include "base/str.h"
#include "srs/session/refer.h"
#include "srs/session/session.h"
#include "storage/audit.h"
#include "storage/commands.h"
#include "storage/db.h"

#define LOOK_US 50000
#define FORGET_US INT64_C(600000000)

void command_over(struct sip_server *sv, int64_t command, const char *kind,
		  const char *tenant_id, const char *recording_id,
		  const char *actor, int state, const char *detail)
{
	char action[32], object[64];
	struct audit_entry a = {
		.at_us = session_wall_us(sv),
		.tenant_id = tenant_id,
		.actor = actor,
		.action = action,
		.object = object,
		.result = state == COMMAND_DONE	     ? "ok"
			  : state == COMMAND_REFUSED ? "refused"
						     : "failed",
	};

	if (turn_begin(sv) < 0)
		return; /* it stays new */
	sv->turn.poke = true;
	(void)snprintf(action, sizeof(action), "recording.%s", kind);
	(void)snprintf(object, sizeof(object), "recording:%s", recording_id);
	(void)turn_check(sv,
			 command_set(sv->db, command, (enum command_state)state,
				     NULL, detail, a.at_us));
	(void)turn_check(sv, audit_add(sv->db, &a));
	if (command_forget(sv->db, a.at_us - FORGET_US) < 0)
		log_warn(NULL, "sip.commands_not_forgotten");
}

/* @return true: it has to wait */
static bool pause_or_resume(struct sip_server *sv, const struct command *c,
			    bool pause)
{
	struct session *s = session_find(sv, c->recording_id);
	enum command_state state = COMMAND_DONE;
	const char *detail = "";

	if (s && (s->state == SESSION_OPENING || s->state == SESSION_ACCEPTING))
		return true;
	if (s && s->command)
		return s->command != c->id; /* it is being done */
	if (!s || s->state > SESSION_RESUMING) {
		state = COMMAND_FAILED;
		detail = "the call is over";
	} else if (!session_may_pause(s)) {
		state = COMMAND_REFUSED;
		detail = "the grant's actions do not name pause_resume";
	} else if (s->paused != pause) {
		session_pause(s, pause, c->id, c->actor);
		return false;
	}
	command_over(sv, c->id, c->kind, c->tenant_id, c->recording_id,
		     c->actor, state, detail);
	return false;
}

struct dialing {
	int64_t command;
	struct session *s;
};

static void is_dialing(struct session *s, void *arg)
{
	struct dialing *d = arg;

	if (s->dialing && s->command == d->command)
		d->s = s;
}

/* {"command": id}: a call of ours that still rings is cancelled. */
static void withdraw(struct sip_server *sv, const struct command *c)
{
	json_t *args = json_loads(c->args, JSON_REJECT_DUPLICATES, NULL);
	struct dialing d = { .command = json_integer_value(
				     json_object_get(args, "command")) };

	if (d.command)
		session_each(sv, is_dialing, &d);
	if (d.s) {
		d.s->dial_status = 487;
		dialout_failed(d.s, "withdrawn");
	}
	command_over(sv, c->id, c->kind, c->tenant_id, c->recording_id,
		     c->actor, d.s ? COMMAND_DONE : COMMAND_FAILED,
		     d.s ? "" : "no call of ours is ringing for it");
	json_decref(args);
}

static int take(void *arg, const struct command *c)
{
	struct sip_server *sv = arg;

	if (str_eq(c->kind, "pause") || str_eq(c->kind, "resume"))
		sv->commands_left |=
			pause_or_resume(sv, c, str_eq(c->kind, "pause"));
	else if (str_eq(c->kind, "record"))
		dialout_start(sv, c, NULL);
	else if (str_eq(c->kind, "withdraw"))
		withdraw(sv, c);
	else if (str_eq(c->kind, "hand-over"))
		sv->commands_left |= handover_start(sv, c, NULL);
	else
		command_over(sv, c->id, c->kind, c->tenant_id, c->recording_id,
			     c->actor, COMMAND_FAILED, "unknown command");
	return 0;
}

static void look(struct sip_server *sv)
{
	int64_t counter = db_change_counter(sv->db);
	int64_t r;

	if (counter == sv->commands_counter && !sv->commands_left)
		return;
	sv->commands_left = false;
	r = command_each_new(sv->db, sv->node, take, sv);
	if (r >= 0)
		sv->commands_counter = counter;
	else
		log_warn(NULL, "sip.commands_unknown", LOG_E((int)r));
}

static void on_look(void *arg)
{
	struct sip_server *sv = arg;

	look(sv);
	if (loop_timer_set(sv->loop, &sv->commands,
			   session_mono_us(sv) + LOOK_US, on_look, sv) < 0)
		role_fatal(sv->role, "no memory for a timer");
}

int commands_start(struct sip_server *sv)
{
	int64_t r = command_fail_going(sv->db, sv->node, session_wall_us(sv));

	if (r < 0)
		return (int)r;
	sv->commands_counter = -1;
	return loop_timer_set(sv->loop, &sv->commands,
			      session_mono_us(sv) + LOOK_US, on_look, sv);
}
