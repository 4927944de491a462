//! The page on metrics, generated from the table.

use std::fmt::Write as _;

use super::{Kind, Metric, TABLE};

const HEAD: &str = "<!-- Generated from the table of metrics; do not edit. STOKER_BLESS=1 cargo test writes it anew. -->\n
# Metrics

Stoker reports what it does as the source `stoker` of Spark's own metrics system, in the driver. Every sink of
`metrics.properties` or `spark.metrics.conf.*` gets it. Two of them are pages of the driver's UI:

| Where | How `executors.live` is called there |
|---|---|
| `http://<driver>:4040/metrics/json`, and sinks in general | `<namespace>.driver.stoker.executors.live` |
| `http://<driver>:4040/metrics/prometheus` | `metrics_<namespace>_driver_stoker_executors_live_Value` |

The page for Prometheus has to be turned on:

```properties
spark.metrics.conf.*.sink.prometheusServlet.class=org.apache.spark.metrics.sink.PrometheusServlet
spark.metrics.conf.*.sink.prometheusServlet.path=/metrics/prometheus
```

`<namespace>` is `spark.metrics.namespace`, by default the application id. On the page for Prometheus counters end in
`_Count` instead of `_Value`, and every character but letters and digits is `_`.

- A **counter** counts from the start of the application and never decreases; a **gauge** is a value of this moment.
- A **distribution** stands for a counter `.count` and the gauges `.mean`, `.p50`, `.p95`, `.p99` and `.max`. The gauges are
  of the last five to ten minutes in which there was anything to measure, exact to one percent.
- Times are in milliseconds, with three decimals.
- All numbers of a report are of one moment, at most a second old. After the application's end they stay as they were
  when it began to stop, so that the last report of a sink has them.

## What to watch

| When | It means |
|---|---|
| `executors.live` stays below `executors.target` | Executors cannot be made: `heldBack.*` says what they wait for, `creates.*` what the API server answers, and a line of the driver's log says more. |
| `executors.pending` stays high | Pods wait: `pending.*` says for what; where it says nothing, for the kubelet. |
| `losses.oomKilled` or `losses.exited` grows | The application kills its executors; at `losses.counted` = `spark.executor.maxNumFailures` + 1 it ends. |
| `losses.disrupted` or `losses.missing` grows | The cluster takes executors away: spot nodes, evictions, priorities. |
| `watch.stalenessMs` above 90000, or `watch.lists` grows | Stoker does not see, or has missed, what becomes of its executors. |
| `creates.throttled` or `failures.tooManyRequests` grows, `creates.limit` is 1 | The API server is overloaded or limits this account. |
| `creates.quotaExceeded` grows | The namespace's quota is used up. |
| `failures.unauthorized` or `failures.forbidden` grows | Credentials or rights are missing; `stoker check` names them. |
| `queues.notices` or `queues.commands` stays above 0 | The driver itself is stuck: a long garbage collection, or no CPU. |
";

/// The whole page as Markdown.
pub fn markdown() -> String {
    let mut page = HEAD.to_owned();
    for section in TABLE.iter() {
        // Writing to a string cannot fail.
        let _ = write!(
            page,
            "\n## {}\n\n| Metric | Kind | Unit | Meaning |\n|---|---|---|---|\n",
            section.title
        );
        for Metric {
            name,
            kind,
            unit,
            doc,
            ..
        } in &section.metrics
        {
            let kind = match kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
                Kind::Distribution => "distribution",
            };
            let _ = writeln!(page, "| `{name}` | {kind} | {unit} | {doc} |");
        }
    }
    page
}
