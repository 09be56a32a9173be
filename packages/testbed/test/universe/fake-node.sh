# Stands for the x0t command where only its outside matters: it starts a sleeper, and tells of a certificate that ends
# when the file says. Used by faults.ts: sh fake-node.sh FILE node start|join|invite|status …
file=$1
case $3 in
  invite) echo '{"token":"t"}' ;;
  status) printf '{"svidNotAfterMs":%s}\n' "$(cat "$file")" ;;
  *)
    setsid sleep 1000 >/dev/null 2>&1 </dev/null &
    echo "{\"pid\":$!,\"nodeId\":\"n\",\"overlayAddress\":\"fd78::1\"}"
    ;;
esac
