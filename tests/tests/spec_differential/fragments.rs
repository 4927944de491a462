//! Settings to combine: each is valid by itself, with every version.

/// A setting or a few that belong together. Keys as in the corpus.
pub(crate) type Fragment = &'static [(&'static str, &'static str)];

/// What every case needs.
pub(crate) const BASE: Fragment = &[
    ("spark.app.name", "Spark Pi"),
    ("spark.driver.host", "driver.jobs.svc"),
    ("spark.kubernetes.container.image", "spark:1"),
    ("spark.kubernetes.executor.podNamePrefix", "pi"),
];

/// One per thing that can be configured, with a value that is seen in the pod.
pub(crate) const FRAGMENTS: &[Fragment] = &[
    &[("spark.app.name", "4 Größe 😀 --")],
    // Without `$`, which stock takes for a group where it puts the id in SPARK_EXECUTOR_DIRS. As the id is the value of
    // a label, no pod of such an application can be made.
    &[("case.appId", "App-{{EXECUTOR_ID}} \"é\"")],
    &[("case.executorId", "2147483647")],
    &[("case.driverPod.name", "driver"), ("case.driverPod.uid", "u-1")],
    &[("case.confDir", "usual")],
    &[("spark.kubernetes.executor.disableConfigMap", "true")],
    &[("spark.kubernetes.executor.podNamePrefix", "a.b-c.0")],
    &[("spark.kubernetes.namespace", "jobs")],
    &[("spark.kubernetes.executor.container.image", "executor:2")],
    &[("spark.kubernetes.container.image.pullPolicy", "Always")],
    &[("spark.kubernetes.container.image.pullSecrets", "one,two")],
    &[(
        "spark.kubernetes.authenticate.driver.serviceAccountName",
        "driver",
    )],
    &[(
        "spark.kubernetes.authenticate.executor.serviceAccountName",
        "executor",
    )],
    &[(
        "spark.kubernetes.executor.secrets.credentials",
        "/etc/credentials",
    )],
    &[(
        "spark.kubernetes.executor.secretKeyRef.FROM_TEMPLATE",
        "database:password",
    )],
    &[("spark.executorEnv.FROM_TEMPLATE", "a=\"b\" $(C) é")],
    &[(
        "spark.executorEnv.SPARK_EXECUTOR_DIRS",
        "/d/SPARK_APPLICATION_ID/SPARK_EXECUTOR_ID",
    )],
    &[
        (
            "spark.kubernetes.executor.volumes.hostPath.host.mount.path",
            "/host",
        ),
        (
            "spark.kubernetes.executor.volumes.hostPath.host.options.path",
            "/mnt/host",
        ),
        (
            "spark.kubernetes.executor.volumes.hostPath.host.mount.readOnly",
            "true",
        ),
    ],
    &[
        (
            "spark.kubernetes.executor.volumes.emptyDir.spark-local-dir-1.mount.path",
            "/scratch",
        ),
        (
            "spark.kubernetes.executor.volumes.emptyDir.spark-local-dir-1.options.sizeLimit",
            "10Gi",
        ),
    ],
    &[
        (
            "spark.kubernetes.executor.volumes.nfs.cache.mount.path",
            "/cache/of/volume",
        ),
        (
            "spark.kubernetes.executor.volumes.nfs.cache.options.server",
            "nfs",
        ),
        ("spark.kubernetes.executor.volumes.nfs.cache.options.path", "/"),
        ("spark.kubernetes.executor.volumes.nfs.cache.mount.subPath", "sub"),
    ],
    &[
        (
            "spark.kubernetes.executor.volumes.persistentVolumeClaim.data.mount.path",
            "/data",
        ),
        (
            "spark.kubernetes.executor.volumes.persistentVolumeClaim.data.options.claimName",
            "OnDemand",
        ),
        (
            "spark.kubernetes.executor.volumes.persistentVolumeClaim.data.options.storageClass",
            "gp3",
        ),
        (
            "spark.kubernetes.executor.volumes.persistentVolumeClaim.data.options.sizeLimit",
            "5Gi",
        ),
        (
            "spark.kubernetes.executor.volumes.persistentVolumeClaim.data.label.team",
            "data",
        ),
    ],
    &[
        (
            "spark.kubernetes.executor.volumes.persistentVolumeClaim.own.mount.path",
            "/own",
        ),
        (
            "spark.kubernetes.executor.volumes.persistentVolumeClaim.own.options.claimName",
            "own-SPARK_EXECUTOR_ID",
        ),
    ],
    &[("spark.kubernetes.legacy.useReadWriteOnceAccessMode", "true")],
    &[("spark.kubernetes.executor.hadoopConfigMapName", "hadoop")],
    &[("spark.local.dir", "/mnt/a,/mnt/b")],
    &[("case.env.SPARK_LOCAL_DIRS", "/env/a")],
    &[("spark.kubernetes.local.dirs.tmpfs", "true")],
    &[
        ("spark.decommission.enabled", "true"),
        ("spark.kubernetes.decommission.script", "/d.sh"),
    ],
    &[("spark.executor.cores", "3")],
    &[("spark.kubernetes.executor.request.cores", "500m")],
    &[("spark.kubernetes.executor.limit.cores", "4")],
    &[("spark.executor.memory", "5g")],
    &[("spark.executor.memoryOverhead", "700m")],
    &[("spark.executor.memoryOverheadFactor", "0.3")],
    &[("spark.kubernetes.memoryOverheadFactor", "0.2")],
    &[
        ("spark.executor.pyspark.memory", "256m"),
        ("spark.kubernetes.resource.type", "python"),
    ],
    &[
        ("spark.memory.offHeap.enabled", "true"),
        ("spark.memory.offHeap.size", "128m"),
    ],
    &[
        ("spark.executor.resource.gpu.amount", "1"),
        ("spark.executor.resource.gpu.vendor", "nvidia.com"),
    ],
    &[
        ("case.profile.id", "7"),
        ("case.profile.resource.cores.amount", "2"),
    ],
    &[
        ("case.profile.id", "8"),
        ("case.profile.resource.memory.amount", "3000"),
    ],
    &[
        ("case.profile.id", "9"),
        ("case.profile.resource.fpga.amount", "2"),
        ("case.profile.resource.fpga.vendor", "example.com"),
    ],
    &[(
        "spark.kubernetes.executor.label.team",
        "{{APP_ID}}-{{EXECUTOR_ID}}",
    )],
    &[(
        "spark.kubernetes.executor.annotation.note",
        "{{EXECUTOR_ID}} \"\n\" 中",
    )],
    &[("spark.kubernetes.node.selector.disk", "any")],
    &[("spark.kubernetes.executor.node.selector.disk", "ssd")],
    &[("spark.kubernetes.scheduler.name", "yunikorn")],
    &[("spark.kubernetes.executor.scheduler.name", "own")],
    &[(
        "spark.executor.extraJavaOptions",
        "-Da=\"b c\" '-Dd=$e' -Df={{EXECUTOR_ID}}",
    )],
    &[("spark.executor.defaultJavaOptions", "-Xss1m")],
    &[("spark.network.timeout", "7s"), ("spark.rpc.io.threads", "2")],
    &[("spark.executor.extraClassPath", "/opt/*")],
    &[("spark.executor.extraLibraryPath", "/opt/native")],
    &[("spark.authenticate", "true"), ("case.secret", "s3 \"cret")],
    &[("spark.ui.custom.executor.log.url", "http://logs")],
    &[("spark.kubernetes.executor.terminationGracePeriodSeconds", "90")],
    &[(
        "spark.kubernetes.executor.securityContext.allowPrivilegeEscalation",
        "true",
    )],
    &[
        ("spark.kubernetes.executor.useDriverPodIP", "true"),
        ("spark.driver.bindAddress", "10.0.0.9"),
    ],
    &[("spark.driver.port", "4000"), ("spark.blockManager.port", "0")],
    &[(
        "spark.kubernetes.executor.pod.excludedFeatureSteps",
        "org.apache.spark.deploy.k8s.features.LocalDirsFeatureStep",
    )],
    &[("case.podTemplate", "everything.yaml")],
    &[("case.podTemplate", "container.yaml")],
    &[("case.podTemplate", "pod.yaml")],
    &[("case.podTemplate", "resources.yaml")],
    &[("case.podTemplate", "security.yaml")],
    &[
        ("case.podTemplate", "sidecar-first.yaml"),
        ("spark.kubernetes.executor.podTemplateContainerName", "spark"),
    ],
];

/// Values for keys whose value is free text.
pub(crate) const HOSTILE: &[&str] = &[
    "",
    " ",
    "\"",
    "'",
    "\\",
    "$",
    "$(A)",
    // Not a circle: Stoker refuses those also where Spark would not have read the key.
    "${spark.driver.host}",
    "a=b",
    "line\nbreak",
    "\t",
    "é中😀",
    "\u{1}\u{7f}",
    "\u{e000}",
    "{{APP_ID}}",
    "{{EXECUTOR_ID}}{{EXECUTOR_ID}}",
    "SPARK_EXECUTOR_ID",
    "OnDemand",
    "a,b,,c",
    "null",
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789",
];

/// Keys that take any text: what is behind a `*` is free as well.
pub(crate) const FREE_TEXT: &[&str] = &[
    "spark.app.name",
    "spark.executorEnv.*",
    "spark.kubernetes.executor.label.*",
    "spark.kubernetes.executor.annotation.*",
    "spark.kubernetes.executor.node.selector.*",
    "spark.kubernetes.node.selector.*",
    "spark.kubernetes.executor.secrets.*",
    "spark.kubernetes.executor.hadoopConfigMapName",
    "spark.kubernetes.executor.scheduler.name",
    "spark.kubernetes.authenticate.executor.serviceAccountName",
    "spark.kubernetes.container.image",
    "spark.kubernetes.container.image.pullSecrets",
    "spark.kubernetes.decommission.script",
    "spark.kubernetes.namespace",
    "spark.executor.extraClassPath",
    "spark.executor.extraJavaOptions",
    "spark.local.dir",
    "spark.rpc.*",
];

/// What stands for the `*`.
pub(crate) const NAMES: &[&str] = &["a", "b.c", "example.com/d", "E_F", "g-h", "team", "SPARK_USER"];
