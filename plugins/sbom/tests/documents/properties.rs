//! What holds of any lock files: every format is valid, says what the others say, and does not
//! depend on the order of anything.

use std::collections::BTreeSet;
use std::rc::Rc;

use proptest::prelude::*;
use serde_json::{Value, json};
use stepwell::testing::Repository;

use crate::common::{FORMATS, Schemas, check_all, conformance, document};

/// A package in the making.
#[derive(Debug, Clone)]
struct Package {
    name: String,
    version: String,
    licence: Option<String>,
    resolved: Option<String>,
    digest: Option<u8>,
    dev: bool,
    /// Which others it needs, by remainder.
    needs: Vec<usize>,
}

fn package() -> impl Strategy<Value = Package> {
    let name = prop_oneof![
        3 => "[a-c]{1,2}",
        1 => "@[a-b]/[a-c]",
        1 => "[a-zA-Z0-9 <>&\"'é#?%@_.-]{1,6}",
    ];
    let licence = prop::sample::select(vec![
        "MIT",
        "Bugroff",
        "MIT/Apache-2.0",
        "SEE LICENSE IN <x>",
        "Apache 2",
        "Apache-2",
        "MIT OR LicenseRef-Apache-2",
        "NOASSERTION",
        "",
    ]);
    let resolved = prop::sample::select(vec![
        "https://files.example.org/a-1.0.0.tgz",
        "https://files.example/a b.tgz",
        "git+ssh://git@host.example.org/a/b.git#0123456789abcdef0123456789abcdef01234567",
        "git+ssh://git@host.example.org:a/b.git#0123",
        "file:../x.tgz",
    ]);
    let version = prop_oneof![4 => "[0-2]\\.0\\.0", 1 => "[0-9a-z+<&.-]{1,6}"];
    (
        name,
        version,
        prop::option::of(licence.prop_map(str::to_owned)),
        prop::option::of(resolved.prop_map(str::to_owned)),
        prop::option::of(0..3_u8),
        any::<bool>(),
        prop::collection::vec(0..20_usize, 0..4),
    )
        .prop_map(|(name, version, licence, resolved, digest, dev, needs)| Package {
            name,
            version,
            licence,
            resolved,
            digest,
            dev,
            needs,
        })
}

/// A package-lock.json in one line, so that no order shows in a line's number.
fn package_lock(packages: &[Package], order: &[usize]) -> String {
    let name = |at: &usize| packages[at % packages.len()].name.clone();
    let needed = |needs: &[usize]| -> Value {
        needs.iter().map(|at| (name(at), json!("*"))).collect::<serde_json::Map<_, _>>().into()
    };
    let mut seen = BTreeSet::new();
    let entries = order.iter().filter(|at| seen.insert(&packages[**at].name)).map(|at| {
        // Of two packages of one name the first of all wins, whatever the order.
        let first = packages.iter().position(|one| one.name == packages[*at].name).expect("itself");
        let Package { name, version, licence, resolved, digest, dev, needs } = &packages[first];
        let integrity = digest.map(|byte| {
            format!("sha512-{}==", "A".repeat(85) + ["A", "Q", "g"][usize::from(byte)])
        });
        let mut entry = json!({"version": version, "dependencies": needed(needs)});
        for (key, value) in
            [("license", licence), ("resolved", resolved), ("integrity", &integrity)]
        {
            if let Some(value) = value {
                entry[key] = json!(value);
            }
        }
        if *dev {
            entry["dev"] = json!(true);
        }
        format!("{}:{entry}", json!(format!("node_modules/{name}")))
    });
    let entries: Vec<String> = entries.collect();
    let (some, others) = (needed(&[0, 1]), needed(&[2]));
    let root = json!({"name": "root", "dependencies": some, "devDependencies": others});
    format!("{{\"lockfileVersion\":3,\"packages\":{{\"\":{root},{}}}}}", entries.join(","))
}

/// A Cargo.lock in one line. Packages of one name and version are there once.
fn cargo_lock(packages: &[Package], order: &[usize]) -> String {
    let quoted = |text: &str| json!(text).to_string();
    let name = |one: &Package| one.name.replace(['"', '\\', ' '], "_");
    let mut seen = BTreeSet::new();
    let mut entries = Vec::new();
    for at in order {
        let same = |one: &&Package| {
            (&one.name, &one.version) == (&packages[*at].name, &packages[*at].version)
        };
        let one = packages.iter().find(same).expect("itself");
        if !seen.insert((&one.name, &one.version)) {
            continue;
        }
        let needs = one.needs.iter().map(|to| &packages[to % packages.len()]);
        let needs: Vec<String> =
            needs.map(|to| quoted(&format!("{} {}", name(to), to.version))).collect();
        let mut fields = vec![
            format!("name = {}", quoted(&name(one))),
            format!("version = {}", quoted(&one.version)),
            format!("dependencies = [{}]", needs.join(", ")),
        ];
        if one.dev {
            fields.push("source = \"registry+https://index.example.org/\"".to_owned());
        }
        if let Some(byte) = one.digest {
            fields.push(format!("checksum = \"{}\"", format!("0{byte}").repeat(32)));
        }
        entries.push(format!("{{{}}}", fields.join(", ")));
    }
    format!("package = [{}]\n", entries.join(", "))
}

fn repository(packages: &[Package], order: &[usize]) -> Repository {
    Repository::new()
        .file("Cargo.lock", cargo_lock(packages, order))
        .file("a/package-lock.json", package_lock(packages, order))
        .file("b/package-lock.json", package_lock(&packages[..1], &[0]))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_packages_make_valid_documents_that_agree(
        packages in prop::collection::vec(package(), 1..8),
        name in prop::option::of("[a-z<&é]{1,4}"),
    ) {
        let order: Vec<usize> = (0..packages.len()).collect();
        let input = match name {
            Some(name) => json!({"name": name, "version": "1"}),
            None => json!({}),
        };
        let schemas = SCHEMAS.with(|schemas| schemas.clone());
        let repository = repository(&packages, &order);
        let bill = check_all(schemas.as_deref(), &repository, &input, "any packages");
        prop_assert!(bill.len() > 3, "both kinds of lock files and a root");
        let text = document(&repository, &input, FORMATS[0]);
        prop_assert!(!text.contains("not valid"), "{}", text);
    }

    #[test]
    fn the_order_of_packages_makes_no_difference(
        (packages, order) in prop::collection::vec(package(), 1..8).prop_flat_map(|packages| {
            let order: Vec<usize> = (0..packages.len()).collect();
            (Just(packages), Just(order).prop_shuffle())
        }),
    ) {
        let sorted: Vec<usize> = (0..packages.len()).collect();
        for format in FORMATS {
            let one = document(&repository(&packages, &sorted), &json!({}), format);
            let other = document(&repository(&packages, &order), &json!({}), format);
            prop_assert_eq!(one, other);
        }
    }
}

thread_local! {
    /// Read once: schemas are large.
    static SCHEMAS: Option<Rc<Schemas>> =
        conformance().map(|root| Rc::new(Schemas::read(&root)));
}
