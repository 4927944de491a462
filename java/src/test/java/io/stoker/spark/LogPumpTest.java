package io.stoker.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.core.LogEvent;
import org.apache.logging.log4j.core.Logger;
import org.apache.logging.log4j.core.appender.AbstractAppender;
import org.apache.logging.log4j.core.config.Configurator;
import org.apache.logging.log4j.core.config.Property;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class LogPumpTest {

    private static final String LINE = """
            {"level": "WARN", "target": "stoker_core::shell::watch", "message": "watch broke", "fields": {"pod": "p-exec-1", "after": 3}}""";

    private final FakeBinding binding = new FakeBinding();
    private final Lines lines = new Lines();
    private LogPump pump;

    @BeforeEach
    void prepare() {
        lines.start();
        logger().addAppender(lines);
        Configurator.setLevel(LogPump.ROOT_LOGGER, Level.INFO);
        pump = new LogPump(binding);
    }

    @AfterEach
    void cleanUp() {
        pump.close();
        logger().removeAppender(lines);
    }

    @Test
    void aLineReachesSlf4jWithLevelAndFields() throws Exception {
        pump.start();
        binding.log(LINE);
        LogEvent event = FakeBinding.next(lines.events, "a log line");
        assertEquals(Level.WARN, event.getLevel());
        assertEquals("io.stoker.native.stoker_core.shell.watch", event.getLoggerName());
        assertEquals("watch broke pod=p-exec-1 after=3", event.getMessage().getFormattedMessage());
        assertEquals("p-exec-1", event.getContextData().getValue("pod"));
    }

    @Test
    void theLevelOfTheLoggerIsPushedDown() throws Exception {
        pump.start();
        assertEquals(3, FakeBinding.next(binding.logLevels, "the first level"));
        Configurator.setLevel(LogPump.ROOT_LOGGER, Level.TRACE);
        assertEquals(5, FakeBinding.next(binding.logLevels, "the second level"));
    }

    @Test
    void whatIsLeftIsWrittenBeforeTheEnd() {
        binding.log(LINE);
        pump.start();
        pump.close();
        assertFalse(lines.events.isEmpty());
    }

    private static Logger logger() {
        return (Logger) LogManager.getLogger(LogPump.ROOT_LOGGER);
    }

    private static final class Lines extends AbstractAppender {

        final BlockingQueue<LogEvent> events = new LinkedBlockingQueue<>();

        Lines() {
            super("lines", null, null, false, Property.EMPTY_ARRAY);
        }

        @Override
        public void append(LogEvent event) {
            events.add(event.toImmutable());
        }
    }
}
