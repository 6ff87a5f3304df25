/*
 * test_ikev2.c - the numbers have the values of the registry and every number has its name.
 */
#include <stdlib.h>

#include "unit.h"
#include "wire/ikev2.h"

START_TEST(numbers_of_the_registry)
{
	ck_assert_int_eq(EXCHANGE_IKE_SA_INIT, 34);
	ck_assert_int_eq(EXCHANGE_INFORMATIONAL, 37);
	ck_assert_int_eq(PAYLOAD_SA, 33);
	ck_assert_int_eq(PAYLOAD_EAP, 48);
	ck_assert_int_eq(PAYLOAD_SKF, 53);
	ck_assert_int_eq(GROUP_CURVE25519, 31);
	ck_assert_int_eq(ENCR_AES_GCM_16, 20);
	ck_assert_int_eq(INTEG_HMAC_SHA2_512_256, 14);
	ck_assert_int_eq(NOTIFY_CHILD_SA_NOT_FOUND, 44);
	ck_assert_int_eq(NOTIFY_IKEV2_FRAGMENTATION_SUPPORTED, 16430);
}
END_TEST

START_TEST(names)
{
	ck_assert_str_eq(ike_exchange_name(34), "IKE_SA_INIT");
	ck_assert_str_eq(ike_payload_name(PAYLOAD_TSr), "TSr");
	ck_assert_str_eq(ike_payload_name(0), "NONE");
	ck_assert_str_eq(ike_protocol_name(3), "ESP");
	ck_assert_str_eq(ike_transform_type_name(4), "KE");
	ck_assert_str_eq(ike_id_name(13), "NULL");
	ck_assert_str_eq(ike_auth_method_name(14), "DIGITAL_SIGNATURE");
	ck_assert_str_eq(ike_notify_name(14), "NO_PROPOSAL_CHOSEN");
	ck_assert_str_eq(ike_notify_name(16390), "COOKIE");
	ck_assert_str_eq(ike_transform_name(TRANSFORM_ENCR, 3), "3DES");
	ck_assert_str_eq(ike_transform_name(TRANSFORM_ENCR, 11), "NULL");
	ck_assert_str_eq(ike_transform_name(TRANSFORM_PRF, 6), "HMAC_SHA2_384");
	ck_assert_str_eq(ike_transform_name(TRANSFORM_INTEG, 12), "HMAC_SHA2_256_128");
	ck_assert_str_eq(ike_transform_name(TRANSFORM_KE, 20), "ECP_384");
	ck_assert_str_eq(ike_transform_name(TRANSFORM_ESN, 1), "YES");
}
END_TEST

START_TEST(unknown_numbers)
{
	ck_assert_str_eq(ike_exchange_name(33), "?");
	ck_assert_str_eq(ike_payload_name(49), "?");
	ck_assert_str_eq(ike_protocol_name(4), "?");
	ck_assert_str_eq(ike_notify_name(65535), "?");
	ck_assert_str_eq(ike_transform_name(6, 0), "?");
	ck_assert_str_eq(ike_transform_name(0, 0), "?");
}
END_TEST

/* CVE-2014-9221: a group number of somebody's private range is a number like any other. */
START_TEST(bug_CVE_2014_9221) { ck_assert_str_eq(ike_transform_name(TRANSFORM_KE, 1025), "?"); }
END_TEST

int main(void)
{
	TCase *t = tcase_create("all");
	tcase_add_test(t, numbers_of_the_registry);
	tcase_add_test(t, names);
	tcase_add_test(t, unknown_numbers);
	tcase_add_test(t, bug_CVE_2014_9221);
	return unit_run_case("ikev2", t);
}
