package io.stoker.spark;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import scala.Tuple2;
import scala.collection.Iterator;

/** Copies of Scala's collections. Scala 2.12 and 2.13 have no converter for Java in common; iterators they have. */
final class ScalaCollections {

    private ScalaCollections() {}

    static <T> List<T> list(scala.collection.Seq<T> elements) {
        List<T> list = new ArrayList<>();
        for (Iterator<T> iterator = elements.iterator(); iterator.hasNext(); ) {
            list.add(iterator.next());
        }
        return list;
    }

    static <K, V> Map<K, V> map(scala.collection.Map<K, V> entries) {
        Map<K, V> map = new LinkedHashMap<>();
        for (Iterator<Tuple2<K, V>> iterator = entries.iterator(); iterator.hasNext(); ) {
            Tuple2<K, V> entry = iterator.next();
            map.put(entry._1(), entry._2());
        }
        return map;
    }
}
