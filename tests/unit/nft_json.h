/* nft_json.h - what `nft -j list ruleset` prints, for tests: chains, rules, matches. */
#ifndef UNIT_NFT_JSON_H
#define UNIT_NFT_JSON_H

#include <check.h>
#include <jansson.h>

#define CHAIN(hook, policy) \
	"{\"chain\":{\"family\":\"inet\",\"table\":\"filter\",\"name\":\"" hook \
	"\",\"handle\":1,\"type\":\"filter\",\"hook\":\"" hook "\",\"prio\":0,\"policy\":\"" policy "\"}}"
#define NAT \
	"{\"chain\":{\"family\":\"inet\",\"table\":\"filter\",\"name\":\"post\",\"handle\":2,\"type\":\"nat\",\"hook\":\"postrouting\",\"prio\":100}}"
#define RULE(name, expr) \
	"{\"rule\":{\"family\":\"inet\",\"table\":\"filter\",\"chain\":\"" name "\",\"handle\":7,\"expr\":[" expr "]}}"
#define MATCH(left, right) "{\"match\":{\"op\":\"==\",\"left\":" left ",\"right\":" right "}}"
#define DPORT(protocol) "{\"payload\":{\"protocol\":\"" protocol "\",\"field\":\"dport\"}}"
#define META(key) "{\"meta\":{\"key\":\"" key "\"}}"
#define STATE "{\"ct\":{\"key\":\"state\"}}"
#define NFT(list) "{\"nftables\":[" list "]}"
static inline json_t *parse(const char *text)
{
	json_error_t why;
	json_t *o = json_loads(text, 0, &why);
	ck_assert_msg(o != NULL, "%s at %d: %s", why.text, why.position, text);
	return o;
}

#endif
