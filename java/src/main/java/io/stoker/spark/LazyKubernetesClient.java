package io.stoker.spark;

import io.fabric8.kubernetes.client.KubernetesClient;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.function.Supplier;

/**
 * A client that costs nothing until it is used. Stoker never uses it; Spark's executor plugins do, through
 * {@code KubernetesClusterSchedulerBackend.kubernetesClient()}.
 */
final class LazyKubernetesClient implements InvocationHandler {

    private final Supplier<KubernetesClient> factory;
    private KubernetesClient real;
    private boolean closed;

    private LazyKubernetesClient(Supplier<KubernetesClient> factory) {
        this.factory = factory;
    }

    /** A client that calls {@code factory} at the first use; closing it before that makes none. */
    static KubernetesClient of(Supplier<KubernetesClient> factory) {
        return (KubernetesClient) Proxy.newProxyInstance(
                LazyKubernetesClient.class.getClassLoader(), new Class<?>[] {KubernetesClient.class}, new LazyKubernetesClient(factory));
    }

    @Override
    public Object invoke(Object proxy, Method method, Object[] args) throws Throwable {
        if (method.getDeclaringClass() == Object.class) {
            switch (method.getName()) {
                case "equals":
                    return proxy == args[0];
                case "hashCode":
                    return System.identityHashCode(proxy);
                default:
                    return "LazyKubernetesClient@" + Integer.toHexString(System.identityHashCode(proxy));
            }
        }
        if (method.getName().equals("close") && method.getParameterCount() == 0) {
            close();
            return null;
        }
        try {
            return method.invoke(real(), args);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    private synchronized KubernetesClient real() {
        if (closed) {
            throw new IllegalStateException("The SparkContext is stopped, and its Kubernetes client is closed.");
        }
        if (real == null) {
            real = factory.get();
        }
        return real;
    }

    private synchronized void close() {
        closed = true;
        if (real != null) {
            real.close();
            real = null;
        }
    }
}
