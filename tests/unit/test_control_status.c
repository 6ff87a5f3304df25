/*
 * test_control_status.c - what the control socket says of tunnels: status and show.
 */
#include "control_help.h"

START_TEST(status_waits_for_counters)
{
	ask("{\"command\":\"status\"}");
	ck_assert_uint_eq(saw.asked, 1);
	ck_assert_uint_eq(saw.lines, 0);
	ask("{\"command\":\"status\",\"tunnels\":[\"azure\"]}");
	ck_assert_uint_eq(saw.asked, 1); /* one dump serves both */
	counted(control);
	ck_assert_uint_eq(saw.lines, 2);
	is_text(at("name"), "azure");
	ck_assert_uint_eq(json_array_size(json_object_get(saw.last, "tunnels")), 1);
	counted(control);
	ck_assert_uint_eq(saw.lines, 2);
	ask("{\"command\":\"status\"}");
	ck_assert_uint_eq(saw.asked, 2);
}
END_TEST

static struct prefix inside;

START_TEST(status_of_one_that_is_up)
{
	make_up(&views[1]);
	ck_assert(prefix_parse(&inside, "169.254.21.2/30"));
	t_aws.inside = &inside;
	t_aws.n_inside = 1;
	ask("{\"command\":\"status\",\"tunnels\":[\"aws-1\"]}");
	counted(control);
	t_aws.n_inside = 0;
	is_text(at("state"), "up");
	is_text(at("since"), "2026-11-21T09:58:20Z");
	is_text(at("cloud"), "aws");
	is_text(at("local"), "198.51.100.7:4500");
	is_text(at("remote"), "[2001:db8::1]:4500");
	is_text(at("interface"), "s2s-aws-1");
	is_text(json_array_get(at("inside"), 0), "169.254.21.2/30");
	is_text(at("ike.spi_i"), "00112233445566ff");
	is_text(at("ike.spi_r"), "ff11223344556600");
	is_text(at("ike.role"), "initiator");
	is_text(at("ike.proposal"), "aes256-sha256-modp2048");
	is_text(at("ike.nat"), "local");
	is_text(at("ike.encapsulation"), "udp");
	is_text(at("ike.rekey_at"), "2026-11-21T10:00:50Z");
	is_text(at("children.spi_in"), "000000c1");
	is_text(at("children.spi_out"), "deadbeef");
	is_text(at("children.proposal"), "aes256-sha256-modp2048");
	is_count(at("children.bytes_in"), 1000);
	is_count(at("children.packets_in"), 10);
	is_count(at("children.bytes_out"), 2000);
	is_count(at("children.packets_out"), 20);
	ck_assert(json_is_null(at("children.rekey_at")));
	ck_assert(json_is_null(at("last_error")));
	ck_assert(json_is_null(at("reason")));
}
END_TEST

static void is_certificate(const char *member, const char *subject, int64_t bits, const char *key)
{
	char path[64];
	snprintf(path, sizeof path, "%s.subject", member);
	is_text(at(path), subject);
	snprintf(path, sizeof path, "%s.issuer", member);
	is_text(at(path), "O=Example, CN=ca");
	snprintf(path, sizeof path, "%s.serial", member);
	is_text(at(path), "0A");
	snprintf(path, sizeof path, "%s.not_before", member);
	is_text(at(path), "2026-11-21T09:58:20Z");
	snprintf(path, sizeof path, "%s.not_after", member);
	is_text(at(path), "2027-11-21T09:58:20Z");
	snprintf(path, sizeof path, "%s.key", member);
	is_text(at(path), key);
	snprintf(path, sizeof path, "%s.bits", member);
	is_count(at(path), (uint64_t)bits);
	snprintf(path, sizeof path, "%s.sha256", member);
	ck_assert_uint_eq(json_string_length(at(path)), 64);
}

/* Ours is told of whether there is an IKE SA or not; the peer's with the IKE SA that it made, and whose name it is in the same words. */
START_TEST(show_has_both_certificates)
{
	static const uint8_t name[] = { 0x30, 0x0c, 0x31, 0x0a, 0x30, 8, 6, 3, 0x55, 4, 3, 0x13, 1, 'x' };
	struct cert_facts ours = { .subject = "O=Example, CN=gw",
		.issuer = "O=Example, CN=ca",
		.serial = "0A",
		.not_before = 1795255100,
		.not_after = 1826791100,
		.key = KEY_RSA,
		.bits = 2048 };
	struct cert_facts theirs = ours;
	snprintf(theirs.subject, sizeof theirs.subject, "CN=x");
	theirs.key = KEY_P256;
	theirs.bits = 256;
	views[7].own_cert = &ours;
	ask("{\"command\":\"show\",\"tunnels\":[\"site\"]}");
	counted(control);
	is_certificate("our_certificate", "O=Example, CN=gw", 2048, "rsa");
	ck_assert(json_is_null(at("ike")));
	make_up(&views[1]);
	ask("{\"command\":\"show\",\"tunnels\":[\"aws-1\"]}");
	counted(control);
	ck_assert(json_is_null(at("our_certificate")) && json_is_null(at("ike.peer_certificate")));
	ck_assert(json_is_null(at("ike.our_signature")) && json_is_null(at("ike.peer_signature")));
	views[1].own_cert = &ours;
	views[1].peer_cert = &theirs;
	views[1].our_scheme = 6;
	views[1].peer_scheme = 10;
	views[1].peer_id = (struct ident){ ID_DER_ASN1_DN, sizeof name, (uint8_t *)(uintptr_t)name };
	ask("{\"command\":\"show\",\"tunnels\":[\"aws-1\"]}");
	counted(control);
	is_certificate("our_certificate", "O=Example, CN=gw", 2048, "rsa");
	is_certificate("ike.peer_certificate", "CN=x", 256, "ecdsa-p256");
	is_text(at("ike.our_signature"), "rsa-sha256");
	is_text(at("ike.peer_signature"), "ecdsa-sha256");
	is_text(at("ike.peer_id"), "CN=x");
}
END_TEST

START_TEST(absent_is_null_and_lists_are_lists)
{
	ask("{\"command\":\"status\",\"tunnels\":[\"site\"]}");
	counted(control);
	is_text(at("state"), "down");
	is_text(at("cloud"), "none");
	ck_assert(json_is_null(at("since")));
	ck_assert(json_is_null(at("local")));
	ck_assert(json_is_null(at("remote")));
	ck_assert(json_is_null(at("ike")));
	ck_assert(json_is_array(at("inside")));
	ck_assert(json_is_array(at("children")));
	ck_assert(json_is_null(at("last_error")));
	is_text(at("reason"), "waits for the peer");
}
END_TEST

/* Whatever the settings want and whatever went wrong before: the operator's word is why it is down. */
START_TEST(down_by_the_operator_is_told)
{
	struct tunnel_view *v = &views[7];
	v->held = true;
	v->has_error = true;
	v->last_error = (struct fact){ .code = FACT_AUTH_FAILED, .blame = BLAME_PEER, .tunnel = 7, .text = "wrong key" };
	ask("{\"command\":\"status\",\"tunnels\":[\"site\"]}");
	counted(control);
	is_text(at("reason"), "stopped by the operator");
	ck_assert(json_is_true(at("stopped")));
	v->held = false;
	ask("{\"command\":\"status\",\"tunnels\":[\"site\"]}");
	counted(control);
	ck_assert(json_is_false(at("stopped")));
	is_text(at("reason"), "peer: wrong key");
}
END_TEST

START_TEST(error_is_told_with_blame)
{
	struct tunnel_view *v = &views[2];
	v->state = TUNNEL_CONNECTING;
	v->has_error = true;
	v->last_error = (struct fact){ .code = FACT_NO_PROPOSAL,
		.blame = BLAME_PEER,
		.tunnel = 2,
		.text = "refused every proposal",
		.subject = SUBJECT_CHILD_SA,
		.was = "192.0.2.1",
		.now = "192.0.2.2" };
	v->last_error_at = 1795255200;
	ask("{\"command\":\"status\",\"tunnels\":[\"azure\"]}");
	counted(control);
	is_text(at("last_error.at"), "2026-11-21T10:00:00Z");
	is_text(at("last_error.code"), "no-proposal");
	is_text(at("last_error.blame"), "peer");
	is_text(at("last_error.text"), "refused every proposal");
	is_text(at("last_error.subject"), "child-sa");
	is_text(at("last_error.was"), "192.0.2.1");
	is_text(at("last_error.now"), "192.0.2.2");
	is_text(at("reason"), "peer: refused every proposal");
}
END_TEST

START_TEST(show_tells_more_and_no_secret)
{
	struct psk *psk = calloc(1, sizeof *psk + 16);
	memcpy(psk->data, "Very.Secret.Word", psk->len = 16);
	t_aws.psk = psk;
	make_up(&views[1]);
	views[1].counters[COUNTER_RETRANSMITS] = 5;
	ask("{\"command\":\"show\",\"tunnels\":[\"aws-1\"]}");
	counted(control);
	t_aws.psk = NULL;
	free(psk);
	is_text(at("ike.state"), "established");
	is_count(at("ike.age"), 100);
	is_count(at("ike.rekey_in"), 50);
	is_text(at("ike.vendor"), "stran\\xffge");
	is_count(at("children.encaps"), 20);
	is_count(at("children.decaps"), 10);
	is_count(at("children.replay_errors"), 3);
	is_count(at("children.integrity_errors"), 4);
	is_count(at("retransmits"), 5);
	ck_assert(json_is_object(at("config")));
	is_text(at("config.cloud"), "aws");
	char *whole = json_dumps(saw.last, 0);
	ck_assert_ptr_null(strstr(whole, "Secret"));
	free(whole);
}
END_TEST

/* What the keeper says of the kernel is shown with the tunnel it is about, and with no other that has its id later. */
START_TEST(show_tells_what_the_kernel_has_not)
{
	struct fact f = {
		.code = FACT_KERNEL_REPAIRED, .tunnel = 1, .subject = SUBJECT_ROUTE, .by = "networkd", .text = "route"
	};
	ask("{\"command\":\"show\",\"tunnels\":[\"aws-1\"]}");
	counted(control);
	ck_assert(json_is_true(at("kernel.as_wanted")) && json_is_null(at("kernel.differs")));
	is_count(at("kernel.repairs"), 0);
	control_fact(control, op_now(NULL), &f);
	control_kernel(control, 1, "another program's route 10.0.0.0/8 is in the way");
	ask("{\"command\":\"show\",\"tunnels\":[\"aws-1\"]}");
	counted(control);
	ck_assert(json_is_false(at("kernel.as_wanted")));
	is_text(at("kernel.differs"), "another program's route 10.0.0.0/8 is in the way");
	is_count(at("kernel.repairs"), 1);
	ask("{\"command\":\"show\",\"tunnels\":[\"azure\"]}");
	counted(control);
	ck_assert(json_is_true(at("kernel.as_wanted")));
	is_count(at("kernel.repairs"), 0);
	strcpy(t_aws.name, "aws-9");
	ask("{\"command\":\"show\",\"tunnels\":[\"aws-9\"]}");
	counted(control);
	strcpy(t_aws.name, "aws-1");
	ck_assert(json_is_true(at("kernel.as_wanted")));
	is_count(at("kernel.repairs"), 0);
	control_kernel(control, 1, NULL);
	ask("{\"command\":\"show\",\"tunnels\":[\"aws-1\"]}");
	counted(control);
	ck_assert(json_is_true(at("kernel.as_wanted")));
	ask("{\"command\":\"events\",\"last\":1}");
	const json_t *e = json_array_get(json_object_get(saw.last, "events"), 0);
	is_text(json_object_get(e, "code"), "kernel-repaired");
	is_text(json_object_get(e, "by"), "networkd");
}
END_TEST

START_TEST(reload_between_request_and_counters)
{
	ask("{\"command\":\"status\",\"tunnels\":[\"site\"]}");
	conf.n = 2;
	counted(control);
	ck_assert_str_eq(error_code(), "unknown-tunnel");
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("control");
	tcase_add_test(t, status_waits_for_counters);
	tcase_add_test(t, status_of_one_that_is_up);
	tcase_add_test(t, show_has_both_certificates);
	tcase_add_test(t, absent_is_null_and_lists_are_lists);
	tcase_add_test(t, down_by_the_operator_is_told);
	tcase_add_test(t, error_is_told_with_blame);
	tcase_add_test(t, show_tells_more_and_no_secret);
	tcase_add_test(t, show_tells_what_the_kernel_has_not);
	tcase_add_test(t, reload_between_request_and_counters);
	return control_run("control status", t);
}
