//! What a Dockerfile comes to.

use crate::drawn::read;

const DIGEST: &str = "sha256:c5b1261d6d3e43071626931fc004f70149baeba2c8ec672bd4f27761f8e1ad6b";

#[test]
fn what_the_last_stage_is_made_of_is_shipped_and_the_rest_builds() {
    let file = format!(
        r#"# syntax=docker/dockerfile:1.7
# escape=\
ARG NODE=20.11
ARG BASE=images.example.org/acme/base REGISTRY
from --platform=$BUILDPLATFORM node:${{NODE}}-slim AS deps
RUN --mount=type=bind,from=busybox:1.36,target=/b --mount=type=cache,target=/c npm ci
FROM deps as build
# FROM commented:1
RUN <<EOF cat > x && \
    FROM continued:1
FROM inside:1
EOF
COPY --from=docker.io/library/alpine@{DIGEST} /etc /etc
FROM ${{BASE}}:${{TAG:-2.0}} AS base
FROM BASE
COPY --from=build --chown=1:1 /app /app
COPY --from=0 /app /app
COPY --from=registry.example.org:5000/tools/uv:0.4 /uv /bin/
ONBUILD COPY --from=onbuild:3 / /
"#
    );
    insta::assert_snapshot!(read([("Dockerfile", &*file)]), @r"
    pkg:docker/acme/base@2.0?repository_url=images.example.org registry runtime from `images.example.org/acme/base:2.0` Dockerfile:14
    pkg:docker/alpine@sha256:c5b1261d6d3e43071626931fc004f70149baeba2c8ec672bd4f27761f8e1ad6b registry build from `docker.io/library/alpine@sha256:c5b1261d6d3e43071626931fc004f70149baeba2c8ec672bd4f27761f8e1ad6b` integrity `sha256:c5b1261d6d3e43071626931fc004f70149baeba2c8ec672bd4f27761f8e1ad6b` Dockerfile:13
    pkg:docker/busybox@1.36 registry build from `busybox:1.36` Dockerfile:6
    pkg:docker/docker/dockerfile@1.7 registry build from `docker/dockerfile:1.7` Dockerfile:1
    pkg:docker/node@20.11-slim registry build from `node:20.11-slim` Dockerfile:5
    pkg:docker/onbuild@3 registry runtime from `onbuild:3` Dockerfile:19
    pkg:docker/tools/uv@0.4?repository_url=registry.example.org:5000 registry runtime from `registry.example.org:5000/tools/uv:0.4` Dockerfile:18
    ");
}

#[test]
fn what_only_the_builder_knows_is_no_version() {
    let file = "ARG TAG\nARG EMPTY=\nFROM node:$TAG\nFROM $IMAGE:1\nFROM a:${EMPTY:-1}${TAG:+x}\nFROM b:${NOPE:-${DEEP:-2}}\nFROM c\nFROM scratch\n";
    insta::assert_snapshot!(read([("api.Dockerfile", file)]), @r"
    pkg:docker/a@1 registry build from `a:1` api.Dockerfile:5
    pkg:docker/b@2 registry build from `b:2` api.Dockerfile:6
    pkg:docker/c@latest registry build from `c` api.Dockerfile:7
    pkg:docker/node registry build api.Dockerfile:3
    warning: api.Dockerfile:3: the version of `node:$TAG` is known only to who builds it
    warning: api.Dockerfile:4: `$IMAGE:1`: its name is known only to who builds it
    ");
}

#[test]
fn what_is_broken_is_told_and_the_rest_is_read() {
    let file = "<<<<<<< ours\nFROM one:1\n=======\nFROM two:2\n>>>>>>> theirs\nFROM\nFROM {{ image }}\nFROM a@sha256:12\nRUN <<EOF\nFROM three:3\n";
    insta::assert_snapshot!(read([("Containerfile", file)]), @r"
    pkg:docker/one@1 registry build from `one:1` Containerfile:2
    pkg:docker/three@3 registry runtime from `three:3` Containerfile:10
    pkg:docker/two@2 registry build from `two:2` Containerfile:4
    warning: Containerfile:9: the document that ends with `EOF` does not end
    warning: Containerfile:1: no instruction of a Dockerfile
    warning: Containerfile:3: no instruction of a Dockerfile
    warning: Containerfile:5: no instruction of a Dockerfile
    warning: Containerfile:6: a `FROM` without an image
    warning: Containerfile:7: `{{`: no name of an image
    warning: Containerfile:8: `a@sha256:12`: what follows `@` is no digest
    ");
}

#[test]
fn a_file_that_is_no_dockerfile_is_an_error_and_one_of_patterns_is_empty() {
    let files = [("Dockerfile.md", "# Images"), ("Dockerfile.dockerignore", "target\n")];
    insta::assert_snapshot!(read(files), @"warning: Dockerfile.md: not a lock file: it has no usable `FROM`");
}

#[test]
fn a_base_that_is_used_twice_is_one_image_with_both_lines() {
    insta::assert_snapshot!(read([("Dockerfile", "FROM a:1 AS x\nFROM a:1\n")]), @"pkg:docker/a@1 registry runtime from `a:1` Dockerfile:1 Dockerfile:2");
}

#[test]
fn another_escape_character_joins_lines_too() {
    let file = "# escape=`\nFROM `\n  a:1 `\n  AS b\r\nFROM b\r\nRUN dir C:\\\nFROM c:2\n";
    insta::assert_snapshot!(read([("Dockerfile", file)]), @r"
    pkg:docker/a@1 registry build from `a:1` Dockerfile:2
    pkg:docker/c@2 registry runtime from `c:2` Dockerfile:7
    ");
}

#[test]
fn a_password_in_a_reference_is_never_shown() {
    let file = "FROM user:secret@registry.example.org/a:1\nFROM https://user:secret@example.org/b\nFROM c\n";
    assert!(!read([("Dockerfile", file)]).contains("secret"));
    let workflow = "jobs:\n  a:\n    container: user:secret@registry.example.org/a\n    steps:\n      - uses: https://x:secret@example.org/a/b@v1\n";
    assert!(!read([(".github/workflows/a.yml", workflow)]).contains("secret"));
}

#[test]
fn a_stage_whose_name_a_variable_makes_is_no_image() {
    let file = "ARG BASE=alpine\nFROM a:1 AS bin-linux\nFROM b:1 AS bin-darwin\nFROM c:1 AS export-alpine\nFROM d:1 AS arm64-x\nFROM e:1 AS amd64-x\nFROM bin-$TARGETOS AS bin\nFROM export-${BASE} AS out\nFROM ${TARGETARCH}-x AS arch\nARG TARGETARCH\nCOPY --from=bin / /\nCOPY --from=out / /\n";
    insta::assert_snapshot!(read([("Dockerfile", file)]), @r"
    pkg:docker/a@1 registry build from `a:1` Dockerfile:2
    pkg:docker/b@1 registry build from `b:1` Dockerfile:3
    pkg:docker/c@1 registry build from `c:1` Dockerfile:4
    pkg:docker/d@1 registry runtime from `d:1` Dockerfile:5
    pkg:docker/e@1 registry runtime from `e:1` Dockerfile:6
    ");
}
