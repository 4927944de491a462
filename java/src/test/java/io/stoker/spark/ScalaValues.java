package io.stoker.spark;

import java.util.Map;
import scala.collection.immutable.List;
import scala.collection.immutable.Map$;

/** Scala's collections, made as every version of Scala knows how to. */
final class ScalaValues {

    private ScalaValues() {}

    @SafeVarargs
    static <T> List<T> list(T... elements) {
        List<T> list = scala.collection.immutable.List$.MODULE$.empty();
        for (int i = elements.length - 1; i >= 0; i--) {
            list = list.$colon$colon(elements[i]);
        }
        return list;
    }

    /** Scala 2.13's method has a raw type to Java. */
    @SuppressWarnings("unchecked")
    static <K, V> scala.collection.immutable.Map<K, V> map(Map<K, V> entries) {
        scala.collection.immutable.Map<K, V> map = Map$.MODULE$.empty();
        for (Map.Entry<K, V> entry : entries.entrySet()) {
            map = map.updated(entry.getKey(), entry.getValue());
        }
        return map;
    }
}
