import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.marcnuri.helm.Helm;
import com.marcnuri.helm.LintResult;
import com.marcnuri.helm.TemplateCommand;
import java.lang.reflect.InvocationTargetException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.yaml.snakeyaml.Yaml;

/**
 * Lints the chart with Helm, renders it in the ways it is meant to be used, and holds every
 * rendered object against Kubernetes' API description. Run by check.sh; exits with 1 and the reason.
 */
final class Check {
  private static final Map<String, String> REQUIRED =
      Map.of("kafka.bootstrapServers", "kafka:9092", "registry.url", "http://registry:8081");

  public static void main(String[] args) throws Exception {
    Path chart = Path.of(args[0]);
    LintResult lint = new Helm(chart).lint().call();
    lint.getMessages().forEach(System.out::println);
    // Without values: the two that are required are missing, and it must say so.
    require(
        failure(chart).contains("kafka.bootstrapServers is required"),
        "rendering without values does not name what is missing");

    check(chart, "as it is", Map.of(), 7);
    check(
        chart,
        "everything on",
        Map.of(
            "autoscaling.enabled", "true",
            "gpu.enabled", "true",
            "gpu.runtimeClassName", "nvidia",
            "serviceMonitor.enabled", "true",
            "clientSecret", "kafka-client",
            "http.keysSecret", "hyperstream-keys",
            "model.existingClaim", "models",
            "model.secret", "s3-keys",
            "env.HYPERSTREAM_STREAMS_THREADS", "4"),
        9);
    require(access(chart, Map.of()).equals("closed"), "without keys the API is not closed");
    require(
        access(chart, Map.of("http.keysSecret", "keys")).equals("authenticated"),
        "with keys nobody has to show one");
    check(
        chart,
        "models in S3, traces to a collector",
        Map.of(
            "model.dir", "s3://bucket/prefix",
            "model.secret", "s3-keys",
            "tracing.endpoint", "http://collector:4318"),
        7);
    check(
        chart,
        "as little as possible",
        Map.of(
            "adaptation.enabled", "false",
            "networkPolicy.enabled", "false",
            "podDisruptionBudget.enabled", "false"),
        4);
  }

  private static String failure(Path chart) {
    try {
      new Helm(chart).template().withName("test").call();
      return "";
    } catch (RuntimeException e) {
      return String.valueOf(e.getMessage());
    }
  }

  /** What every container is told about who may use the API. */
  private static String access(Path chart, Map<String, String> values) {
    TemplateCommand template = new Helm(chart).template().withName("test").withNamespace("ns");
    REQUIRED.forEach(template::set);
    values.forEach(template::set);
    Set<String> found = new HashSet<>();
    java.util.regex.Matcher matcher =
        java.util.regex.Pattern.compile("HYPERSTREAM_HTTP_ACCESS, value: (\\w+)")
            .matcher(template.call());
    while (matcher.find()) {
      found.add(matcher.group(1));
    }
    return String.join(" and ", found);
  }

  private static void check(Path chart, String what, Map<String, String> values, int objects)
      throws Exception {
    TemplateCommand template = new Helm(chart).template().withName("test").withNamespace("ns");
    REQUIRED.forEach(template::set);
    values.forEach(template::set);
    String rendered = template.call();
    Set<String> names = new HashSet<>();
    for (Object document : new Yaml().loadAll(rendered)) {
      if (document instanceof Map<?, ?> object) {
        check(object);
        require(
            names.add(object.get("kind") + " " + ((Map<?, ?>) object.get("metadata")).get("name")),
            "rendered twice: " + object.get("kind"));
      }
    }
    require(names.size() == objects, what + ": expected " + objects + " objects, got " + names);
    System.out.println(what + ": " + names.size() + " objects fit Kubernetes' API");
  }

  private static void check(Map<?, ?> object) throws Exception {
    String kind = (String) object.get("kind");
    String apiVersion = (String) object.get("apiVersion");
    if (apiVersion.startsWith("monitoring.coreos.com")) {
      return; // of Prometheus' operator, not of Kubernetes
    }
    String version = apiVersion.substring(apiVersion.indexOf('/') + 1).toUpperCase(java.util.Locale.ROOT);
    Class<?> model = Class.forName("io.kubernetes.client.openapi.models." + version + kind);
    try {
      model
          .getMethod("validateJsonElement", JsonElement.class)
          .invoke(null, new Gson().toJsonTree(object));
    } catch (InvocationTargetException e) {
      throw new IllegalStateException(kind + ": " + e.getCause().getMessage(), e.getCause());
    }
    if (kind.equals("StatefulSet")) {
      checkPod(new Gson().toJsonTree(object));
    }
  }

  /** What cluster policies ask of a pod. */
  private static void checkPod(JsonElement set) {
    var pod =
        set.getAsJsonObject()
            .getAsJsonObject("spec")
            .getAsJsonObject("template")
            .getAsJsonObject("spec");
    var container = pod.getAsJsonArray("containers").get(0).getAsJsonObject();
    var context = container.getAsJsonObject("securityContext");
    require(
        pod.getAsJsonObject("securityContext").get("runAsNonRoot").getAsBoolean()
            && context.get("readOnlyRootFilesystem").getAsBoolean()
            && !context.get("allowPrivilegeEscalation").getAsBoolean(),
        "a pod may be root, write to its image or gain rights");
    require(
        !pod.get("enableServiceLinks").getAsBoolean(),
        "Services beside a pod set variables that look like our settings");
    for (String probe : List.of("startupProbe", "livenessProbe", "readinessProbe")) {
      require(container.has(probe), "no " + probe);
    }
    require(
        container.getAsJsonObject("resources").getAsJsonObject("limits").has("memory"),
        "no limit of memory");
  }

  private static void require(boolean holds, String what) {
    if (!holds) {
      System.err.println("helm chart: " + what);
      System.exit(1);
    }
  }
}
