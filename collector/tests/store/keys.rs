//! Keys, and what whoever has one may do.

use std::collections::BTreeSet;

use runtree_collector::store::{Key, Rights, Store};
use uuid::Uuid;

use crate::Kept;

#[tokio::test]
async fn a_key_is_known_by_its_hash_until_it_is_removed() {
    let kept = Kept::new().await;
    let project = Uuid::now_v7();
    let key = Key {
        id: Uuid::now_v7(),
        name: "of a service".into(),
        prefix: "rt_abc".into(),
        created: None,
        projects: Some(BTreeSet::from([project])),
        rights: Rights::Write,
    };
    assert_eq!(kept.store.access([7; 32]).await.unwrap(), None);
    kept.store.create_key(key.clone(), [7; 32]).await.unwrap();
    let access = kept.store.access([7; 32]).await.unwrap().unwrap();
    assert!(access.writes && !access.reads && !access.manages);
    assert!(access.concerns(project) && !access.concerns(Uuid::now_v7()));
    assert_eq!(kept.store.access([8; 32]).await.unwrap(), None);

    let kept = kept.reopened().await;
    let listed = kept.store.keys().await.unwrap();
    assert_eq!((listed.len(), &listed[0].name, listed[0].rights), (1, &key.name, Rights::Write));
    assert!(kept.store.delete_key(key.id).await.unwrap());
    assert!(!kept.store.delete_key(key.id).await.unwrap());
    assert_eq!(kept.store.access([7; 32]).await.unwrap(), None);
}
