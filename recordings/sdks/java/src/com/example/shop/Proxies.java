package com.example.shop;

import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import net.bytebuddy.ByteBuddy;
import net.bytebuddy.implementation.MethodDelegation;
import net.bytebuddy.implementation.bind.annotation.SuperCall;
import net.bytebuddy.matcher.ElementMatchers;
import net.sf.cglib.proxy.Enhancer;
import net.sf.cglib.proxy.MethodInterceptor;

/** Code that is made while the program runs. */
public final class Proxies {
    /** What is called through proxies. */
    public interface Pricing {
        int price(String name);
    }

    /** What they call. */
    public static class Service implements Pricing {
        @Override
        public int price(String name) {
            return name.length() / (name.length() - 3);
        }
    }

    // @moved
    static Pricing jdk() {
        Service service = new Service();
        return (Pricing) Proxy.newProxyInstance(
            Proxies.class.getClassLoader(),
            new Class<?>[] {Pricing.class},
            (proxy, method, args) -> {
                try {
                    return method.invoke(service, args);
                } catch (InvocationTargetException error) {
                    throw error.getCause();
                }
            });
    }

    static Pricing undeclared() {
        return (Pricing) Proxy.newProxyInstance(
            Proxies.class.getClassLoader(),
            new Class<?>[] {Pricing.class},
            (proxy, method, args) -> { throw new IOException("no answer from pricing"); });
    }

    static Service cglib() {
        Enhancer enhancer = new Enhancer();
        enhancer.setSuperclass(Service.class);
        enhancer.setCallback((MethodInterceptor) (object, method, args, proxy) -> proxy.invokeSuper(object, args));
        return (Service) enhancer.create();
    }

    static Service byteBuddy() throws ReflectiveOperationException {
        return new ByteBuddy()
            .subclass(Service.class)
            .method(ElementMatchers.named("price"))
            .intercept(MethodDelegation.to(Around.class))
            .make()
            .load(Proxies.class.getClassLoader())
            .getLoaded()
            .getDeclaredConstructor()
            .newInstance();
    }

    /** Is called instead, and calls what it stands for. */
    public static final class Around {
        public static Object around(@SuperCall java.util.concurrent.Callable<?> original) throws Exception {
            return original.call();
        }
    }

    private Proxies() {}
}
