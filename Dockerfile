# Spark with Stoker in it, on top of an image of Spark, for Docker (BuildKit) and buildah. Needs the jars of `make portable`,
# which have the native libraries for x86_64 and aarch64 in them. See docs/images.md.
ARG BASE_IMAGE=spark:4.3.0
FROM ${BASE_IMAGE}

# Where the base image has Spark, and as whom it runs: 185 is the user of Spark's own images.
ARG SPARK_HOME=/opt/spark
ARG SPARK_UID=185

# The jars are mounted and not copied: only what the installer writes is in the layer. It takes the jar and the library that fit.
USER root
RUN --mount=type=bind,source=java/target,target=/mnt/stoker \
    set -- /mnt/stoker/stoker-spark_*.jar \
    && "${JAVA_HOME:+$JAVA_HOME/bin/}java" -XX:-UsePerfData -jar "$1" install "$SPARK_HOME"
USER ${SPARK_UID}
