# Read by each demo: `stepwell` is the program (STEPWELL names another), `repo` the repository of the
# example in `here`, built in the directory $1 or in one that goes with the demo.
stepwell=${STEPWELL:-stepwell}
if [ $# -gt 0 ]; then
    repo=$1
else
    temporary=$(mktemp -d)
    trap 'rm -rf "$temporary"' EXIT
    repo=$temporary/repository
fi
[ -d "$repo/.git" ] || sh "$here/../history.sh" "$here" "$repo"
