import com.github.shyiko.mysql.binlog.BinaryLogClient;
import com.github.shyiko.mysql.binlog.event.DeleteRowsEventData;
import com.github.shyiko.mysql.binlog.event.EventData;
import com.github.shyiko.mysql.binlog.event.UpdateRowsEventData;
import com.github.shyiko.mysql.binlog.event.WriteRowsEventData;
import java.lang.management.ManagementFactory;

/**
 * Reads the binlog from a place until so many changed rows have come, and counts them.
 *
 * <p>Arguments: host, port, user, password, file, position, rows, times. Prints CPU and wall seconds of each time, a
 * line each: the first warms the machine.
 */
public final class BinlogPeer {
    private long rows;
    private final long wanted;
    private final BinaryLogClient client;

    private BinlogPeer(String[] arguments) {
        client = new BinaryLogClient(arguments[0], Integer.parseInt(arguments[1]), arguments[2], arguments[3]);
        client.setBinlogFilename(arguments[4]);
        client.setBinlogPosition(Long.parseLong(arguments[5]));
        client.setKeepAlive(false);
        client.setServerId(4711);
        wanted = Long.parseLong(arguments[6]);
        client.registerEventListener(event -> count(event.getData()));
    }

    private void count(EventData data) {
        if (data instanceof WriteRowsEventData write) {
            rows += write.getRows().size();
        } else if (data instanceof UpdateRowsEventData update) {
            rows += update.getRows().size();
        } else if (data instanceof DeleteRowsEventData delete) {
            rows += delete.getRows().size();
        }
        if (rows >= wanted) {
            try {
                client.disconnect();
            } catch (java.io.IOException exception) {
                throw new java.io.UncheckedIOException(exception);
            }
        }
    }

    private static double cpuSeconds() {
        var system = (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        return system.getProcessCpuTime() / 1e9;
    }

    public static void main(String[] arguments) throws Exception {
        for (int time = 0; time < Integer.parseInt(arguments[7]); time++) {
            BinlogPeer peer = new BinlogPeer(arguments);
            double cpu = cpuSeconds();
            long wall = System.nanoTime();
            peer.client.connect();
            System.out.printf("%.6f %.6f%n", cpuSeconds() - cpu, (System.nanoTime() - wall) / 1e9);
            if (peer.rows < peer.wanted) {
                throw new IllegalStateException("the binlog ended after " + peer.rows + " rows");
            }
        }
        System.exit(0);
    }
}
