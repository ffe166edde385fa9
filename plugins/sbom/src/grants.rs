//! What the tool may ever need to read: what `lockgraph` reads, and bills in the repository.

/// Names that bills go by, of the formats that are read.
const BILLS: &str = r#","**/{bom,sbom,*.bom,*.cdx,*.sbom,*.spdx,*.spdx3}.json"]}"#;

/// All patterns as the SDK wants them.
pub(crate) const GRANTS: &str = match std::str::from_utf8(&JOINED) {
    Ok(text) => text,
    Err(_) => panic!("two texts make a text"),
};

/// `lockgraph`'s patterns without the end of their list.
const START: &[u8] = {
    let bytes = lockgraph::GRANTS.as_bytes();
    let mut end = bytes.len();
    while bytes[end - 1] != b']' {
        end -= 1;
    }
    bytes.split_at(end - 1).0
};

const JOINED: [u8; START.len() + BILLS.len()] = {
    let mut joined = [0; START.len() + BILLS.len()];
    let (start, end) = joined.split_at_mut(START.len());
    start.copy_from_slice(START);
    end.copy_from_slice(BILLS.as_bytes());
    joined
};

#[cfg(test)]
mod tests {
    use serde_json::Value;

    #[test]
    fn bills_come_after_lock_files() {
        let patterns = |text: &str| -> Vec<Value> {
            let grants: Value = serde_json::from_str(text).unwrap();
            grants["read"].as_array().unwrap().clone()
        };
        let (all, locks) = (patterns(super::GRANTS), patterns(lockgraph::GRANTS));
        assert_eq!((all[..locks.len()].to_vec(), all.len()), (locks.clone(), locks.len() + 1));
    }
}
