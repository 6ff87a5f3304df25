# An Azure gateway with no custom policy: group 2 only, its own six child proposals, no PFS. It needs our explicit consent.
#
#   gw-host ------ gw --------------- inet ------------- azure ---- azure-host
#   10.1.0.10      198.51.100.7                 192.0.2.10          10.30.0.10
# timeout: 60
internet
site gw 198.51.100.7 10.1.0
site azure 192.0.2.10 10.30.0
watch_outside
peer_start azure azure-default inside=169.254.21.5/30 routes=10.1.0.0/24 psk=Lab.Secret_key_of_azure start=listen

key azure.psk Lab.Secret_key_of_azure
tunnel_text='
tunnels:
  azure:
    cloud: azure
    remote: 192.0.2.10
    psk-file: azure.psk
    inside: 169.254.21.6/30
    routes: [10.30.0.0/24]
    ike-proposals: aes256-sha256-modp1024
    esp-proposals: aes256gcm16'

# Without the consent the configuration is an error that names the word that is missing.
s2sd_configure <<<"$tunnel_text"
if "$S2SD" -n -c "$W/s2sd-gw/s2sd.yaml" >"$L/check" 2>&1; then fail "modp1024 is taken without allow-weak"; fi
grep -q 'allow-weak' "$L/check" || fail "the error does not name allow-weak: $(cat "$L/check")"

s2sd_start <<<"$tunnel_text
    allow-weak: modp1024"
wait_up azure
expect_status azure .ike.proposal aes256-sha256-modp1024
ping_lossless gw-host 10.30.0.10 20 0.05
s2sd_stop
kernel_is_clean
no_clear_text esp
