# Certificates of the lab, made by the openssl command. Sourced by the scenarios that need them.
#
#     ca NAME [KEY]                           a root, $certs/NAME.pem with NAME.key; KEY: p256 (default), p384, p521, rsa, ed25519, ed448
#     sub_ca NAME OF [KEY]                    a CA below another one
#     certificate NAME OF SUBJECT [OPTION...] a leaf; SUBJECT as /O=Lab/CN=gw
#         key=KEY  san=DNS:gw.example  usage=digitalSignature  days=N  from=YYYYMMDDHHMMSSZ to=...  big=OCTETS (of an extension)
#     revoke NAME OF                          and a new CRL, $certs/OF.crl
#     give NAME [CHAIN...]                    to our daemon: keys/NAME.pem with the chain behind it, keys/NAME.key; give_ca NAME... as keys/ca.pem
certs=$W/certs
mkdir -p "$certs"

ssl()
{
	openssl "$@" 2>>"$L/openssl" || fail "openssl $1: $(tail -n 1 "$L/openssl")"
}

new_key()
{
	case $2 in
	p256) ssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$certs/$1.key";;
	p384) ssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out "$certs/$1.key";;
	p521) ssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521 -out "$certs/$1.key";;
	rsa) ssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$certs/$1.key";;
	ed25519) ssl genpkey -algorithm ED25519 -out "$certs/$1.key";;
	ed448) ssl genpkey -algorithm ED448 -out "$certs/$1.key";;
	*) fail "no such key: $2";;
	esac
}

ca_begin()
{
	mkdir -p "$certs/$1.d"
	: >"$certs/$1.d/index"
	echo 1000 >"$certs/$1.d/serial"
	echo 01 >"$certs/$1.d/crlnumber"
	cat >"$certs/$1.d/conf" <<-END
		[req]
		distinguished_name = none
		[none]
		[ca]
		default_ca = this
		[this]
		new_certs_dir = $certs/$1.d
		database = $certs/$1.d/index
		serial = $certs/$1.d/serial
		crlnumber = $certs/$1.d/crlnumber
		certificate = $certs/$1.pem
		private_key = $certs/$1.key
		default_md = default
		default_crl_days = 7
		policy = any
		email_in_dn = no
		unique_subject = no
		[any]
		organizationName = optional
		commonName = supplied
		[root]
		basicConstraints = critical, CA:TRUE
		keyUsage = critical, keyCertSign, cRLSign
		subjectKeyIdentifier = hash
	END
}

ca()
{
	new_key "$1" "${2:-p256}"
	ca_begin "$1"
	ssl req -new -x509 -key "$certs/$1.key" -subj "/O=Lab/CN=$1" -days 3650 -config "$certs/$1.d/conf" -extensions root -out "$certs/$1.pem"
}

# issue NAME OF SUBJECT EXTENSIONS-FILE OPTION...
issue()
{
	local name=$1 of=$2 subject=$3 extensions=$4

	shift 4
	ssl req -new -key "$certs/$name.key" -subj "$subject" -config "$certs/$of.d/conf" -out "$certs/$name.csr"
	ssl ca -batch -notext -config "$certs/$of.d/conf" -in "$certs/$name.csr" -extfile "$extensions" -out "$certs/$name.pem" "$@" >/dev/null
}

sub_ca()
{
	new_key "$1" "${3:-p256}"
	ca_begin "$1"
	printf '%s\n' 'basicConstraints = critical, CA:TRUE' 'keyUsage = critical, keyCertSign, cRLSign' 'subjectKeyIdentifier = hash' \
		'authorityKeyIdentifier = keyid' >"$certs/$1.ext"
	issue "$1" "$2" "/O=Lab/CN=$1" "$certs/$1.ext" -days 3000
}

certificate()
{
	local name=$1 of=$2 subject=$3 option
	local -A c=([key]=p256 [usage]=digitalSignature [days]=365)

	shift 3
	for option; do c[${option%%=*}]=${option#*=}; done
	[ -f "$certs/$name.key" ] || new_key "$name" "${c[key]}"
	{
		echo 'basicConstraints = critical, CA:FALSE'
		echo "keyUsage = critical, ${c[usage]}"
		echo 'subjectKeyIdentifier = hash'
		echo 'authorityKeyIdentifier = keyid'
		[ -z "${c[san]:-}" ] || echo "subjectAltName = ${c[san]}"
		[ -z "${c[big]:-}" ] || echo "1.3.6.1.4.1.32473.1 = ASN1:FORMAT:HEX,OCT:$(printf '00%.0s' $(seq "${c[big]}"))"
	} >"$certs/$name.ext"
	if [ -n "${c[to]:-}" ]; then
		issue "$name" "$of" "$subject" "$certs/$name.ext" -startdate "${c[from]:-20260101000000Z}" -enddate "${c[to]}"
	else
		issue "$name" "$of" "$subject" "$certs/$name.ext" -days "${c[days]}"
	fi
}

revoke()
{
	[ -z "$1" ] || ssl ca -config "$certs/$2.d/conf" -revoke "$certs/$1.pem"
	ssl ca -config "$certs/$2.d/conf" -gencrl -out "$certs/$2.crl"
}

keys_dir()
{
	mkdir -p "$W/s2sd-${1:-gw}/keys"
	chmod 700 "$W/s2sd-${1:-gw}/keys"
	echo "$W/s2sd-${1:-gw}/keys"
}

give()
{
	local to name=$1 more

	to=$(keys_dir)
	shift
	(umask 077
	cp "$certs/$name.key" "$to/$name.key"
	for more in "$name" "$@"; do cat "$certs/$more.pem"; done >"$to/$name.pem")
}

give_ca()
{
	local to name

	to=$(keys_dir)
	(umask 077; for name; do cat "$certs/$name.pem"; done >"$to/ca.pem")
}

# cert_conf [LINE...]: the configuration of tunnel aws without a pre-shared key; lines as aws_conf takes them.
cert_conf()
{
	aws_conf 'cloud: none' "$@" | grep -v psk-file
}
