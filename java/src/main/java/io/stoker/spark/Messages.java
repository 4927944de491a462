package io.stoker.spark;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.spark.SparkConf;
import org.apache.spark.resource.ExecutorResourceRequest;
import org.apache.spark.resource.ResourceProfile;
import scala.Tuple2;

/** The JSON messages that cross into native code and back, as UTF-8 bytes. */
final class Messages {

    private static final ObjectMapper JSON = new ObjectMapper();

    private Messages() {}

    /** Everything the allocator has to know of the application before it starts. */
    static byte[] start(
            Map<String, String> conf,
            String sparkVersion,
            String appId,
            String sparkUser,
            String authSecret,
            String master,
            Optional<String> podTemplate) {
        ObjectNode message = JSON.createObjectNode();
        message.put("abi", Native.ABI_VERSION);
        message.set("conf", object(conf));
        message.put("sparkVersion", sparkVersion);
        message.put("appId", appId);
        message.put("sparkUser", sparkUser);
        message.put("authSecret", authSecret);
        message.put("master", master);
        podTemplate.ifPresent(text -> message.put("podTemplate", text));
        message.set("systemProperties", object(systemProperties()));
        return bytes(message);
    }

    static byte[] conf(Map<String, String> conf) {
        return bytes(object(conf));
    }

    /** A resource profile in the form of {@code stoker render --resource-profile}. */
    static byte[] profile(ResourceProfile profile) {
        ObjectNode resources = JSON.createObjectNode();
        for (Map.Entry<String, ExecutorResourceRequest> entry :
                ScalaCollections.map(profile.executorResources()).entrySet()) {
            ExecutorResourceRequest request = entry.getValue();
            ObjectNode resource = resources.putObject(entry.getKey());
            resource.put("amount", request.amount());
            putUnlessEmpty(resource, "vendor", request.vendor());
            putUnlessEmpty(resource, "discoveryScript", request.discoveryScript());
        }
        ObjectNode message = JSON.createObjectNode();
        message.put("id", profile.id());
        message.set("executorResources", resources);
        return bytes(message);
    }

    static byte[] bytes(JsonNode message) {
        try {
            return JSON.writeValueAsBytes(message);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("A tree of JSON nodes always has a text form.", e);
        }
    }

    static ObjectNode object() {
        return JSON.createObjectNode();
    }

    static ArrayNode emptyArray() {
        return JSON.createArrayNode();
    }

    /** Reads a message from native code. */
    static JsonNode tree(byte[] message) {
        try {
            return JSON.readTree(message);
        } catch (IOException e) {
            throw new IllegalArgumentException("The native library sent a message that is not JSON.", e);
        }
    }

    /** Reads a batch of messages from native code. */
    static ArrayNode array(byte[] message) {
        JsonNode tree = tree(message);
        if (tree instanceof ArrayNode) {
            return (ArrayNode) tree;
        }
        throw new IllegalArgumentException("The native library sent a message that is not a JSON array.");
    }

    /** All entries of a conf, in a stable order, so that two of them can be compared. */
    static Map<String, String> entries(SparkConf conf) {
        Map<String, String> entries = new TreeMap<>();
        for (Tuple2<String, String> entry : conf.getAll()) {
            entries.put(entry._1(), entry._2());
        }
        return entries;
    }

    /**
     * What <code>${system:x}</code> stands for, and what the way to the API server depends on: proxies, the home directory, the
     * Kubernetes client's own properties. All of them, as they stay in this process.
     */
    static Map<String, String> systemProperties() {
        Map<String, String> properties = new TreeMap<>();
        for (String name : System.getProperties().stringPropertyNames()) {
            properties.put(name, System.getProperty(name, ""));
        }
        return properties;
    }

    private static ObjectNode object(Map<String, String> entries) {
        ObjectNode object = JSON.createObjectNode();
        entries.forEach(object::put);
        return object;
    }

    private static void putUnlessEmpty(ObjectNode object, String name, String value) {
        if (value != null && !value.isEmpty()) {
            object.put(name, value);
        }
    }
}
