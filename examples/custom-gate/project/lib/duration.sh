# Durations in words. `seconds 2h` says 7200.

seconds() {
    number=${1%?}
    case $1 in
    *s) echo "$number" ;;
    *m) echo $((number * 60)) ;;
    *h) echo $((number * 3600)) ;;
    *) echo "seconds: $1 is no duration" >&2 && return 1 ;;
    esac
}
