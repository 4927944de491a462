//! The raw limit: the same bytes sent by nothing but connections that POST one after the other, and a plain watch.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use stoker_core::conf::{Conf, Sources, SparkVersion};
use stoker_core::ids::ExecutorId;
use stoker_core::spec::{AppContext, PodStamp, ResourceProfile, config_map_name};

use crate::api::Api;

/// Makes these pods over so many connections, and reads what a watch says meanwhile.
pub(crate) async fn post(api: Arc<Api>, bodies: Vec<Bytes>, connections: u32, app: &str) {
    let mut events = api.watch(app, None).await;
    let watch = tokio::spawn(async move { while let Some(Ok(_)) = events.frame().await {} });
    let bodies = Arc::new(bodies);
    let next = Arc::new(AtomicUsize::new(0));
    let posts: Vec<_> = (0..connections)
        .map(|_| {
            let (api, bodies, next) = (Arc::clone(&api), Arc::clone(&bodies), Arc::clone(&next));
            tokio::spawn(async move {
                while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
                    api.create_pod(body.clone()).await;
                }
            })
        })
        .collect();
    for post in posts {
        post.await.expect("all are made");
    }
    watch.abort();
}

/// The very bytes that `stoker render` gives.
pub(crate) fn bodies(properties: &BTreeMap<String, String>, app: &str, executors: u32) -> Vec<Bytes> {
    let sources = Sources {
        properties: properties.clone(),
        ..Sources::default()
    };
    let conf = Conf::new(sources, SparkVersion::new(4, 3, 0)).expect("properties");
    let context = AppContext {
        app_id: app.to_owned(),
        spark_user: "spark".to_owned(),
        auth_secret: None,
        pod_name_prefix: app.to_owned(),
        config_map_name: config_map_name("0123456789abcdef"),
        driver_pod: None,
        conf_files: Vec::new(),
        pod_template: None,
    };
    let profile = ResourceProfile::default_from(&conf).expect("a profile");
    let stamp = PodStamp::build(&conf, &context, &profile).expect("a pod");
    (1..=executors)
        .map(|id| Bytes::from(stamp.stamp(ExecutorId(u64::from(id)), u128::from(id)).body))
        .collect()
}
