//! Which free volume claims executors are given, compared with stock's `ExecutorPodsAllocator.replacePVCsIfNeeded`.
//!
//! Ours differ on purpose in two ways, which [`Verdict`] names. What is free is another matter: stock takes all claims
//! that no pod of its snapshot uses and that are older than `podCreationTimeout`, the plan has a ledger of its own (see
//! `plan_scenarios/claims_reused.rs`).

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;
use serde_json::{Value, json};
use stoker_core::conf::SparkVersion;
use stoker_core::plan::{
    Action, CallResult, ClaimFacts, ClaimOwner, ClaimPage, DriverPod, ListPage, ObjectRef, Outcome, Plan,
    PlanConfig, Prepared, ProfileId, WantedClaim,
};
use stoker_core::spec::{ClaimShape, VolumeClaim};

use crate::case::Case;
use crate::ours::{self, Refusal};
use crate::stock::Stock;

const VOLUME: &str = "spark.kubernetes.executor.volumes.persistentVolumeClaim";
const DRIVER: &str = "uid-of-the-driver";
/// Executors with several claims, for each version.
const SEVERAL: usize = 60;

/// What is to come of a single free claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// Both do the same.
    Same,
    /// Only ours gives it: before 4.2 stock takes no claim that is larger than what is wanted. It does as well, and
    /// claims may have been made larger.
    OnlyOurs,
    /// Only stock gives it: it looks at class and size alone. A pod that mounts a file system cannot start on a block
    /// device, a volume of another access mode may be refused to its node, and a label may be what backups, quotas or
    /// bills go by.
    OnlyStocks,
}

/// Compares them; tells what differs.
pub(crate) fn compare(stock: &mut Stock, rng: &mut Rng) -> Vec<String> {
    let mut differences = compare_single(stock);
    differences.extend(compare_several(stock, rng));
    differences
}

fn compare_single(stock: &mut Stock) -> Vec<String> {
    let mut differences = Vec::new();
    for wanted in ["fast 1Gi", "slow 1024Mi", " 1Gi", "fast 2Ti"].map(Wanted::parse) {
        for (free, verdict) in single(stock) {
            let verdict = match verdict {
                Verdict::OnlyOurs if takes_larger(stock) => Verdict::Same,
                verdict => verdict,
            };
            let case = Wanted::case(&[wanted], &json!([free]));
            let (ours, theirs) = both(stock, &case);
            let fits = wanted.class == "fast" && wanted.size == "1Gi";
            let expected = match verdict {
                Verdict::OnlyOurs if fits => !ours.is_empty() && theirs.is_empty(),
                Verdict::OnlyStocks if fits => ours.is_empty() && !theirs.is_empty(),
                _ => ours == theirs,
            };
            if !expected {
                differences.push(format!(
                    "{}: {wanted:?} of {free}\nours:     {ours:?}\ntheirs:   {theirs:?}\nexpected: {verdict:?}",
                    stock.version()
                ));
            }
        }
    }
    differences
}

/// Executors with up to three claims, for which stock keeps the order of volumes.
fn compare_several(stock: &mut Stock, rng: &mut Rng) -> Vec<String> {
    // Where stock takes no larger claim, none of another size is free.
    let sizes: &[&str] = if takes_larger(stock) {
        &["1Gi", "2Gi", "4096Mi"]
    } else {
        &["1Gi", "1024Mi"]
    };
    let mut differences = Vec::new();
    for _ in 0..SEVERAL {
        let mut draw = |most: usize| -> Vec<Wanted> {
            let count = rng.usize(1..=most);
            let mut one = || Wanted {
                class: rng.choice(["fast", "slow", ""]).unwrap(),
                size: rng.choice(sizes.iter().copied()).unwrap(),
            };
            (0..count).map(|_| one()).collect()
        };
        let (mut wanted, mut free) = (draw(3), draw(6));
        // Stock gives the first volume the first claim that is large enough; ours gives the largest volume the smallest
        // one, so that few are given that others need.
        wanted.sort_by_key(|claim| Reverse(claim.shape(stock).size()));
        free.sort_by_key(|claim| claim.shape(stock).size());
        let free = free
            .iter()
            .enumerate()
            .map(|(number, claim)| claim.claim(stock, number))
            .collect();
        let (ours, theirs) = both(stock, &Wanted::case(&wanted, &free));
        if ours != theirs {
            differences.push(format!(
                "{}: {wanted:?} of {free}\nours:   {ours:?}\ntheirs: {theirs:?}",
                stock.version()
            ));
        }
    }
    differences
}

/// Whether stock takes claims that are larger than what is wanted.
fn takes_larger(stock: &Stock) -> bool {
    *stock.version() >= SparkVersion::new(4, 2, 0)
}

/// Free claims, each alone, and what comes of it where `fast 1Gi` is wanted.
fn single(stock: &Stock) -> Vec<(Value, Verdict)> {
    let with = |change: &dyn Fn(&mut Value)| {
        let mut claim = Wanted::parse("fast 1Gi").claim(stock, 0);
        change(&mut claim);
        claim
    };
    let sized = |size: &str| {
        Wanted {
            class: "fast",
            size: "1Gi",
        }
        .resized(stock, size)
    };
    vec![
        (with(&|_| {}), Verdict::Same),
        (Wanted::parse("slow 1Gi").claim(stock, 0), Verdict::Same),
        (Wanted::parse(" 1Gi").claim(stock, 0), Verdict::Same),
        (sized("1024Mi"), Verdict::Same),
        (sized("1073741824"), Verdict::Same),
        (sized("1G"), Verdict::Same),
        (sized("512Mi"), Verdict::Same),
        (sized("1025Mi"), Verdict::OnlyOurs),
        (sized("1Ti"), Verdict::OnlyOurs),
        (
            with(&|claim| claim["metadata"]["labels"]["of-a-webhook"] = json!("any")),
            Verdict::Same,
        ),
        (
            with(&|claim| claim["metadata"]["labels"] = json!({})),
            Verdict::OnlyStocks,
        ),
        (
            with(&|claim| claim["spec"]["accessModes"] = json!(["ReadOnlyMany"])),
            Verdict::OnlyStocks,
        ),
        (
            with(&|claim| claim["spec"]["volumeMode"] = json!("Filesystem")),
            Verdict::Same,
        ),
        (
            with(&|claim| claim["spec"]["volumeMode"] = json!("Block")),
            Verdict::OnlyStocks,
        ),
    ]
}

/// A claim as the options of a volume ask for it; class `""` is for volumes that have none.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    class: &'static str,
    size: &'static str,
}

impl Wanted {
    fn parse(text: &'static str) -> Wanted {
        let (class, size) = text.split_once(' ').unwrap();
        Wanted { class, size }
    }

    /// An executor that wants these claims, while those are free.
    fn case(wanted: &[Wanted], free: &Value) -> Case {
        let mut entries = vec![
            ("spark.app.name".to_owned(), "claims".to_owned()),
            (
                "spark.kubernetes.executor.podNamePrefix".to_owned(),
                "claims".to_owned(),
            ),
            ("spark.kubernetes.container.image".to_owned(), "any".to_owned()),
            ("spark.driver.host".to_owned(), "driver".to_owned()),
            ("spark.driver.port".to_owned(), "7078".to_owned()),
            ("case.appId".to_owned(), "app".to_owned()),
            (
                "case.claims".to_owned(),
                json!({"apiVersion": "v1", "kind": "PersistentVolumeClaimList", "items": free}).to_string(),
            ),
        ];
        for (number, claim) in wanted.iter().enumerate() {
            let volume = format!("{VOLUME}.data{number}");
            let mut option = |name: &str, value: &str| {
                entries.push((format!("{volume}.{name}"), value.to_owned()));
            };
            option("mount.path", &format!("/data{number}"));
            option("options.claimName", "OnDemand");
            option("options.sizeLimit", claim.size);
            option("options.storageClass", claim.class);
        }
        Case::new(entries)
    }

    /// A free claim that was made as this one is wanted.
    fn claim(self, stock: &Stock, number: usize) -> Value {
        let [claim] = ours(stock, &Wanted::case(&[self], &json!([])))
            .try_into()
            .unwrap();
        let mut claim = claim.manifest().clone();
        claim["metadata"]["name"] = json!(format!("free-{number}"));
        claim
    }

    fn resized(self, stock: &Stock, size: &str) -> Value {
        let mut claim = self.claim(stock, 0);
        claim["spec"]["resources"]["requests"]["storage"] = json!(size);
        claim
    }

    fn shape(self, stock: &Stock) -> ClaimShape {
        ClaimShape::of(&self.claim(stock, 0))
    }
}

/// By the names of claims that the executor was to have: those it is given instead, by ours and by stock's.
fn both(stock: &mut Stock, case: &Case) -> (BTreeMap<String, String>, BTreeMap<String, String>) {
    let theirs = stock.build(case);
    assert_eq!(theirs["error"], Value::Null, "{theirs}");
    let theirs: BTreeMap<String, String> = serde_json::from_value(theirs["given"].clone()).unwrap();
    let free: Value = serde_json::from_str(case.test("claims").unwrap()).unwrap();
    let wanted = ours(stock, case);
    (given(&wanted, free["items"].as_array().unwrap()), theirs)
}

/// The claims that go with the executor's pod.
fn ours(stock: &Stock, case: &Case) -> Vec<VolumeClaim> {
    let built = ours::build(case, stock, None).unwrap_or_else(|Refusal(why)| panic!("{why}"));
    let claims = built
        .resources
        .into_iter()
        .map(|claim| VolumeClaim::new(claim).unwrap());
    claims.collect()
}

/// What the plan gives the first executor of a driver that finds these claims.
fn given(wanted: &[VolumeClaim], free: &[Value]) -> BTreeMap<String, String> {
    let now = Duration::ZERO;
    let mut plan = Plan::new(
        PlanConfig {
            driver_pod: Some("driver".to_owned()),
            config_map: false,
            prepares: true,
            claim_owner: ClaimOwner::Driver,
            reuse_claims: true,
            ..PlanConfig::new("app", "namespace", "prefix")
        },
        now,
    );
    plan.handle_targets(now, &[(ProfileId(0), 1)]);
    while let Some(action) = plan.poll_action() {
        let call = action.call();
        let answer = match action {
            Action::GetDriverPod { .. } => CallResult::DriverPod(Outcome::Done(Some(DriverPod {
                uid: DRIVER.to_owned(),
                ready: true,
            }))),
            Action::List { .. } => CallResult::List(Outcome::Done(ListPage::default())),
            Action::ListClaims { .. } => CallResult::Claims(Outcome::Done(ClaimPage {
                claims: free.iter().map(facts).collect(),
                ..ClaimPage::default()
            })),
            Action::Prepare { executors, .. } => {
                let claims = wanted.iter().map(|claim| WantedClaim {
                    name: claim.name.clone(),
                    shape: claim.shape(),
                    replaceable: claim.is_replaceable(),
                });
                CallResult::Prepared(Outcome::Done(vec![Prepared {
                    executor: executors[0].0,
                    claims: claims.collect(),
                }]))
            }
            Action::CreateClaim { index, .. } => CallResult::Claim(Outcome::Done(ObjectRef {
                name: wanted[index].name.clone(),
                uid: format!("new-{index}"),
            })),
            Action::Create { reused, .. } => {
                let given = |(index, name): (usize, String)| (wanted[index].name.clone(), name);
                return reused.into_iter().map(given).collect();
            }
            // They are open as long as the test runs.
            Action::Watch { .. } | Action::WatchClaims { .. } => continue,
            other => panic!("{other:?}"),
        };
        plan.handle_result(now, call, answer);
    }
    panic!("no executor is made");
}

fn facts(claim: &Value) -> ClaimFacts {
    let name = claim["metadata"]["name"].as_str().unwrap().to_owned();
    ClaimFacts {
        uid: format!("uid-of-{name}"),
        name,
        owner_uid: Some(DRIVER.to_owned()),
        shape: ClaimShape::of(claim),
        spoiled: false,
    }
}
