import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;

/**
 * Runs SQL scripts on a Flink of this process, one after the other, so that later ones find a warm machine.
 *
 * <p>A line of input is "SLOTS MINI_BATCH FILE": slots, 0 or 1, a script of statements whose last is an INSERT.
 * The answer is a line with CPU seconds of the whole process and wall seconds until the job has ended.
 */
public final class FlinkPeer {
    private FlinkPeer() {}

    private static double cpuSeconds() {
        var system = (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        return system.getProcessCpuTime() / 1e9;
    }

    private static Configuration configuration(String slots, boolean miniBatch) {
        Configuration configuration = new Configuration();
        configuration.setString("parallelism.default", slots);
        configuration.setString("taskmanager.numberOfTaskSlots", slots);
        configuration.setString("rest.port", "0");
        configuration.setString("pipeline.object-reuse", "true");
        if (miniBatch) {
            configuration.setString("table.exec.mini-batch.enabled", "true");
            configuration.setString("table.exec.mini-batch.allow-latency", "2 s");
            configuration.setString("table.exec.mini-batch.size", "50000");
        }
        return configuration;
    }

    private static void run(String[] words) throws Exception {
        String script = Files.readString(Path.of(words[2]));
        TableEnvironment tables = TableEnvironment.create(EnvironmentSettings.newInstance()
                .inStreamingMode()
                .withConfiguration(configuration(words[0], words[1].equals("1")))
                .build());
        double cpu = cpuSeconds();
        long wall = System.nanoTime();
        for (String statement : script.replaceAll("(?m)^--.*$", "").split(";")) {
            if (!statement.isBlank()) {
                tables.executeSql(statement).await();
            }
        }
        System.out.printf("%.6f %.6f%n", cpuSeconds() - cpu, (System.nanoTime() - wall) / 1e9);
    }

    public static void main(String[] arguments) throws Exception {
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            try {
                run(line.split(" ", 3));
            } catch (Exception exception) {
                Throwable cause = exception;
                while (cause.getCause() != null) {
                    cause = cause.getCause();
                }
                System.out.println("failed: " + String.valueOf(cause.getMessage()).replace('\n', ' '));
            }
        }
        System.exit(0);
    }
}
