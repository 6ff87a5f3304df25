/* nlm.c - netlink messages: bounded writing, tolerant reading. */
#include "nlm.h"

#include <string.h>

void *nlm_begin(struct nlm *m, uint16_t type, uint16_t flags, size_t fixed)
{
	m->bad = false;
	mnl_nlmsg_put_header(m->raw);
	m->head.nlmsg_type = type;
	m->head.nlmsg_flags = NLM_F_REQUEST | flags;
	return mnl_nlmsg_put_extra_header(&m->head, fixed);
}

void *nlm_space(struct nlm *m, uint16_t type, size_t n)
{
	if (m->bad || n > UINT16_MAX - MNL_ATTR_HDRLEN || m->head.nlmsg_len + MNL_ATTR_HDRLEN + MNL_ALIGN(n) > NLM_MAX) {
		m->bad = true;
		return NULL;
	}
	struct nlattr *a = mnl_nlmsg_get_payload_tail(&m->head);
	a->nla_type = type;
	a->nla_len = (uint16_t)(MNL_ATTR_HDRLEN + n);
	m->head.nlmsg_len += MNL_ATTR_HDRLEN + MNL_ALIGN(n);
	return memset(mnl_attr_get_payload(a), 0, MNL_ALIGN(n));
}

void nlm_put(struct nlm *m, uint16_t type, const void *data, size_t n)
{
	void *p = nlm_space(m, type, n);
	if (p != NULL && n > 0)
		memcpy(p, data, n);
}

void nlm_put_u8(struct nlm *m, uint16_t type, uint8_t v) { nlm_put(m, type, &v, sizeof v); }
void nlm_put_u16(struct nlm *m, uint16_t type, uint16_t v) { nlm_put(m, type, &v, sizeof v); }
void nlm_put_u32(struct nlm *m, uint16_t type, uint32_t v) { nlm_put(m, type, &v, sizeof v); }

void nlm_put_be32(struct nlm *m, uint16_t type, uint32_t v) { nlm_put_u32(m, type, htonl(v)); }

void nlm_put_text(struct nlm *m, uint16_t type, const char *text) { nlm_put(m, type, text, strlen(text) + 1); }

void nlm_put_addr(struct nlm *m, uint16_t type, const struct addr *a)
{
	struct bytes ip = addr_bytes(a);
	if (ip.n != 0)
		nlm_put(m, type, ip.p, ip.n);
}

struct nlattr *nlm_nest(struct nlm *m, uint16_t type)
{
	struct nlattr *a = mnl_nlmsg_get_payload_tail(&m->head);
	return nlm_space(m, type | NLA_F_NESTED, 0) != NULL ? a : NULL;
}

void nlm_nest_end(struct nlm *m, struct nlattr *nest)
{
	if (nest == NULL || m->bad)
		return;
	size_t n = (size_t)((uint8_t *)mnl_nlmsg_get_payload_tail(&m->head) - (uint8_t *)nest);
	if (n > UINT16_MAX)
		m->bad = true;
	nest->nla_len = (uint16_t)n;
}

static int keep_attr(const struct nlattr *attr, void *arg)
{
	struct attrs *a = arg;
	if (mnl_attr_get_type(attr) < ATTRS_MAX)
		a->v[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

void attrs_read(struct attrs *a, const struct nlmsghdr *h, size_t fixed)
{
	memset(a, 0, sizeof *a);
	if (nlm_fixed(h, fixed) != NULL)
		mnl_attr_parse(h, (unsigned)fixed, keep_attr, a);
}

void attrs_nested(struct attrs *a, const struct nlattr *nest)
{
	memset(a, 0, sizeof *a);
	if (nest != NULL)
		mnl_attr_parse_nested(nest, keep_attr, a);
}

const void *attr_data(const struct attrs *a, unsigned type, size_t at_least)
{
	if (a->v[type] == NULL || mnl_attr_get_payload_len(a->v[type]) < at_least)
		return NULL;
	return mnl_attr_get_payload(a->v[type]);
}

uint32_t attr_u32(const struct attrs *a, unsigned type, uint32_t absent)
{
	const void *p = attr_data(a, type, sizeof absent);
	if (p != NULL)
		memcpy(&absent, p, sizeof absent);
	return absent;
}

struct addr attr_addr(const struct attrs *a, unsigned type, uint8_t family)
{
	struct addr r = { 0 };
	size_t n = family == AF_INET ? 4 : 16;
	const void *p = attr_data(a, type, n);
	if (p != NULL)
		addr_from_bytes(&r, bytes_of(p, n));
	return r;
}

const char *attr_text(const struct attrs *a, unsigned type)
{
	if (a->v[type] == NULL || mnl_attr_validate(a->v[type], MNL_TYPE_NUL_STRING) < 0)
		return "";
	return mnl_attr_get_str(a->v[type]);
}

const void *nlm_fixed(const struct nlmsghdr *h, size_t n)
{
	return mnl_nlmsg_get_payload_len(h) >= n ? mnl_nlmsg_get_payload(h) : NULL;
}

bool nlm_copy_fixed(void *to, const struct nlmsghdr *h, size_t n)
{
	const void *p = nlm_fixed(h, n);
	if (p != NULL)
		memcpy(to, p, n);
	else
		memset(to, 0, n);
	return p != NULL;
}
