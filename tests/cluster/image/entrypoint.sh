#!/usr/bin/env bash
# Entry point of the local "image" of Spark: what the documented contract of
# Spark's Kubernetes images asks of one. Spark passes the role (driver or
# executor) as the first argument and all else in SPARK_* variables.
set -euo pipefail

: "${SPARK_HOME:=/opt/spark}"
export SPARK_HOME

if [[ -n ${JAVA_HOME:-} ]]; then
  java=$JAVA_HOME/bin/java
elif ! java=$(command -v java); then
  echo "entrypoint: no Java found: set JAVA_HOME in the image's env (images.json)" >&2
  exit 127
fi

# Mounted configuration comes first, then Spark's jars, then what the user adds.
classpath=${SPARK_CLASSPATH:-}:$SPARK_HOME/jars/*
[[ -n ${SPARK_EXTRA_CLASSPATH:-} ]] && classpath=$SPARK_EXTRA_CLASSPATH:$classpath
[[ -n ${HADOOP_CONF_DIR:-} ]] && classpath=$HADOOP_CONF_DIR:$classpath
if [[ -n ${SPARK_CONF_DIR:-} ]]; then
  classpath=$SPARK_CONF_DIR:$classpath
elif [[ -d $SPARK_HOME/conf ]]; then
  classpath=$SPARK_HOME/conf:$classpath
fi
classpath=$classpath:$PWD

case ${1:-} in
driver)
  shift
  # The driver listens on the pod's address, and so do its executors see it.
  exec "$SPARK_HOME/bin/spark-submit" \
    --conf "spark.driver.bindAddress=$SPARK_DRIVER_BIND_ADDRESS" \
    --conf "spark.executorEnv.SPARK_DRIVER_POD_IP=$SPARK_DRIVER_BIND_ADDRESS" \
    --deploy-mode client "$@"
  ;;
executor)
  # SPARK_JAVA_OPT_0, _1, ...: one JVM option each, in the order of their
  # numbers, spaces in them being part of the option.
  options=()
  for ((i = 0; ; i++)); do
    name=SPARK_JAVA_OPT_$i
    [[ -v $name ]] || break
    options+=("${!name}")
  done
  exec "$java" "${options[@]}" \
    "-Xms$SPARK_EXECUTOR_MEMORY" "-Xmx$SPARK_EXECUTOR_MEMORY" \
    -cp "$classpath" \
    org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend \
    --driver-url "$SPARK_DRIVER_URL" \
    --executor-id "$SPARK_EXECUTOR_ID" \
    --cores "$SPARK_EXECUTOR_CORES" \
    --app-id "$SPARK_APPLICATION_ID" \
    --hostname "$SPARK_EXECUTOR_POD_IP" \
    --resourceProfileId "$SPARK_RESOURCE_PROFILE_ID" \
    --podName "$SPARK_EXECUTOR_POD_NAME"
  ;;
"")
  echo "entrypoint: no role given; expected driver, executor or a command" >&2
  exit 2
  ;;
*)
  exec "$@"
  ;;
esac
