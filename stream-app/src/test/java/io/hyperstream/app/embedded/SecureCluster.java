package io.hyperstream.app.embedded;

import com.sun.net.httpserver.Authenticator;
import com.sun.net.httpserver.BasicAuthenticator;
import com.sun.net.httpserver.HttpContext;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.Signature;
import java.security.interfaces.RSAPublicKey;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ScramCredentialInfo;
import org.apache.kafka.clients.admin.ScramMechanism;
import org.apache.kafka.clients.admin.UserScramCredentialUpsertion;
import org.apache.kafka.common.acl.AclBinding;

/**
 * A broker that wants TLS and SASL and asks an authorizer about everything, and a registry behind
 * TLS and basic authentication; certificates and keys are made when it starts. An open listener on
 * the loopback address is for whoever sets it up.
 */
public final class SecureCluster implements AutoCloseable {
  public static final String REGISTRY_PASSWORD = "registry-pass-4711";
  public static final String STORE_PASSWORD = "store-pass-4712";
  private static final Duration PATIENCE = Duration.ofMinutes(2);
  private static final int ITERATIONS = 4096;

  private final Path folder;
  private final Path trustStore;
  private final EmbeddedKafka kafka;
  private final EmbeddedRegistry registry;
  private final HttpsServer proxy;
  private final ExecutorService proxyThreads = Executors.newCachedThreadPool();
  private final int securePort;
  private final KeyPair tokenKey;
  private final Admin admin;

  public SecureCluster(Path folder) throws Exception {
    this.folder = folder;
    Path keyStore = folder.resolve("server.p12");
    trustStore = folder.resolve("trust.p12");
    makeCertificates(keyStore);
    KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
    generator.initialize(2048);
    tokenKey = generator.generateKeyPair();
    Path keys = Files.writeString(folder.resolve("jwks.json"), jwks());
    System.setProperty("org.apache.kafka.sasl.oauthbearer.allowed.urls", keys.toUri().toString());
    int open = FreePorts.next();
    int controller = FreePorts.next();
    securePort = FreePorts.next();
    kafka =
        EmbeddedKafka.start(
            folder.resolve("kafka"), open, controller, broker(keyStore, keys, open, controller));
    registry = EmbeddedRegistry.start(folder.resolve("registry"), FreePorts.next(), PATIENCE);
    proxy = proxy(keyStore);
    admin = Admin.create(Map.of("bootstrap.servers", kafka.bootstrapServers()));
  }

  private void makeCertificates(Path keyStore) throws Exception {
    keytool(
        "-genkeypair",
        "-alias",
        "server",
        "-keyalg",
        "RSA",
        "-keysize",
        "2048",
        "-validity",
        "2",
        "-dname",
        "CN=localhost",
        "-ext",
        "SAN=ip:127.0.0.1,dns:localhost",
        "-storetype",
        "PKCS12",
        "-keystore",
        keyStore.toString());
    Path certificate = folder.resolve("server.pem");
    keytool(
        "-exportcert",
        "-rfc",
        "-alias",
        "server",
        "-keystore",
        keyStore.toString(),
        "-file",
        certificate.toString());
    keytool(
        "-importcert",
        "-noprompt",
        "-alias",
        "server",
        "-storetype",
        "PKCS12",
        "-keystore",
        trustStore.toString(),
        "-file",
        certificate.toString());
  }

  private static void keytool(String... arguments) throws Exception {
    List<String> command = new java.util.ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "keytool").toString());
    command.addAll(List.of(arguments));
    command.addAll(List.of("-storepass", STORE_PASSWORD));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.waitFor() != 0) {
      throw new IllegalStateException("keytool: " + output);
    }
  }

  private Map<String, String> broker(Path keyStore, Path keys, int open, int controller) {
    String secure = "listener.name.secure.";
    String host = "://127.0.0.1:";
    return Map.ofEntries(
        Map.entry(
            "listeners",
            "PLAINTEXT"
                + host
                + open
                + ",CONTROLLER"
                + host
                + controller
                + ",SECURE"
                + host
                + securePort),
        Map.entry(
            "advertised.listeners", "PLAINTEXT" + host + open + ",SECURE" + host + securePort),
        Map.entry(
            "listener.security.protocol.map",
            "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURE:SASL_SSL"),
        Map.entry(
            "authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer"),
        Map.entry("super.users", "User:ANONYMOUS"),
        Map.entry("allow.everyone.if.no.acl.found", "false"),
        Map.entry(secure + "sasl.enabled.mechanisms", "SCRAM-SHA-512,OAUTHBEARER"),
        Map.entry(
            secure + "scram-sha-512.sasl.jaas.config",
            "org.apache.kafka.common.security.scram.ScramLoginModule required;"),
        Map.entry(
            secure + "oauthbearer.sasl.jaas.config",
            "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;"),
        Map.entry(
            secure + "oauthbearer.sasl.server.callback.handler.class",
            "org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler"),
        Map.entry(
            secure + "oauthbearer.sasl.oauthbearer.jwks.endpoint.url", keys.toUri().toString()),
        Map.entry(secure + "oauthbearer.sasl.oauthbearer.expected.audience", "kafka"),
        Map.entry(secure + "ssl.keystore.type", "PKCS12"),
        Map.entry(secure + "ssl.keystore.location", keyStore.toString()),
        Map.entry(secure + "ssl.keystore.password", STORE_PASSWORD),
        Map.entry(secure + "ssl.key.password", STORE_PASSWORD));
  }

  private HttpsServer proxy(Path keyStore) throws Exception {
    KeyStore keys = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(keyStore)) {
      keys.load(in, STORE_PASSWORD.toCharArray());
    }
    KeyManagerFactory managers =
        KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    managers.init(keys, STORE_PASSWORD.toCharArray());
    SSLContext tls = SSLContext.getInstance("TLS");
    tls.init(managers.getKeyManagers(), null, null);
    HttpsServer server =
        HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setHttpsConfigurator(new HttpsConfigurator(tls));
    server.setExecutor(proxyThreads);
    HttpClient client = HttpClient.newHttpClient();
    HttpContext context = server.createContext("/", exchange -> forward(client, exchange));
    Authenticator basic =
        new BasicAuthenticator("registry") {
          @Override
          public boolean checkCredentials(String user, String password) {
            return user.equals("registry-user") && password.equals(REGISTRY_PASSWORD);
          }
        };
    context.setAuthenticator(basic);
    server.start();
    return server;
  }

  private void forward(HttpClient client, HttpExchange exchange) throws IOException {
    try (exchange) {
      URI target = URI.create(registry.url()).resolve(exchange.getRequestURI().toString());
      HttpRequest.Builder request =
          HttpRequest.newBuilder(target)
              .method(
                  exchange.getRequestMethod(),
                  HttpRequest.BodyPublishers.ofByteArray(exchange.getRequestBody().readAllBytes()));
      for (String name : List.of("Content-Type", "Accept")) {
        String value = exchange.getRequestHeaders().getFirst(name);
        if (value != null) {
          request.header(name, value);
        }
      }
      HttpResponse<byte[]> answer =
          client.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
      answer
          .headers()
          .firstValue("Content-Type")
          .ifPresent(type -> exchange.getResponseHeaders().set("Content-Type", type));
      int length = answer.body().length;
      exchange.sendResponseHeaders(answer.statusCode(), length == 0 ? -1 : length);
      if (length > 0) {
        exchange.getResponseBody().write(answer.body());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** For whoever sets it up: without TLS, allowed everything. */
  public Admin admin() {
    return admin;
  }

  /** Where clients connect. */
  public String bootstrapServers() {
    return "127.0.0.1:" + securePort;
  }

  /** Where the registry is, behind TLS. */
  public String registryUrl() {
    return "https://127.0.0.1:"
        + proxy.getAddress().getPort()
        + URI.create(registry.url()).getPath();
  }

  /** Makes a user. */
  public void user(String name, String password) throws Exception {
    admin
        .alterUserScramCredentials(
            List.of(
                new UserScramCredentialUpsertion(
                    name,
                    new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, ITERATIONS),
                    password)))
        .all()
        .get();
  }

  /** Gives rights. */
  public void allow(List<AclBinding> rights) throws Exception {
    admin.createAcls(rights).all().get();
  }

  /** A client.properties for a user with a password. */
  public Map<String, String> scram(String user, String password) {
    Map<String, String> properties = common();
    properties.put("sasl.mechanism", "SCRAM-SHA-512");
    properties.put(
        "sasl.jaas.config",
        "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"%s\" password=\"%s\";"
            .formatted(user, password));
    return properties;
  }

  /** A client.properties for a user with a token in a file. */
  public Map<String, String> token(Path file) {
    Map<String, String> properties = common();
    properties.put("sasl.mechanism", "OAUTHBEARER");
    properties.put("sasl.oauthbearer.token.endpoint.url", file.toUri().toString());
    properties.put(
        "sasl.login.callback.handler.class",
        "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler");
    properties.put(
        "sasl.jaas.config",
        "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;");
    return properties;
  }

  private Map<String, String> common() {
    Map<String, String> properties = new java.util.TreeMap<>();
    properties.put("security.protocol", "SASL_SSL");
    properties.put("ssl.truststore.type", "PKCS12");
    properties.put("ssl.truststore.location", trustStore.toString());
    properties.put("ssl.truststore.password", STORE_PASSWORD);
    properties.put("basic.auth.credentials.source", "USER_INFO");
    properties.put("basic.auth.user.info", "registry-user:" + REGISTRY_PASSWORD);
    properties.put("schema.registry.ssl.truststore.type", "PKCS12");
    properties.put("schema.registry.ssl.truststore.location", trustStore.toString());
    properties.put("schema.registry.ssl.truststore.password", STORE_PASSWORD);
    return properties;
  }

  /** A signed token for a user; the file is allowed to be read by clients of this process. */
  public Path tokenFile(String user) throws Exception {
    Base64.Encoder base64 = Base64.getUrlEncoder().withoutPadding();
    long now = Instant.now().getEpochSecond();
    String head = base64("{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"test\"}", base64);
    String claims =
        base64(
            "{\"sub\":\"%s\",\"aud\":\"kafka\",\"scope\":\"kafka\",\"iat\":%d,\"exp\":%d}"
                .formatted(user, now - 5, now + 3600),
            base64);
    Signature signature = Signature.getInstance("SHA256withRSA");
    signature.initSign(tokenKey.getPrivate());
    signature.update((head + "." + claims).getBytes(StandardCharsets.US_ASCII));
    String token = head + "." + claims + "." + base64.encodeToString(signature.sign());
    Path file = Files.writeString(folder.resolve(user + ".jwt"), token);
    String allowed = "org.apache.kafka.sasl.oauthbearer.allowed.urls";
    System.setProperty(allowed, System.getProperty(allowed) + "," + file.toUri());
    return file;
  }

  private static String base64(String text, Base64.Encoder base64) {
    return base64.encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }

  private String jwks() {
    RSAPublicKey key = (RSAPublicKey) tokenKey.getPublic();
    Base64.Encoder base64 = Base64.getUrlEncoder().withoutPadding();
    return "{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"test\",\"use\":\"sig\",\"alg\":\"RS256\",\"n\":\"%s\",\"e\":\"%s\"}]}"
        .formatted(
            base64.encodeToString(unsigned(key.getModulus().toByteArray())),
            base64.encodeToString(unsigned(key.getPublicExponent().toByteArray())));
  }

  private static byte[] unsigned(byte[] number) {
    return number[0] == 0 ? java.util.Arrays.copyOfRange(number, 1, number.length) : number;
  }

  @Override
  public void close() {
    admin.close();
    proxy.stop(0);
    proxyThreads.shutdownNow();
    registry.close();
    kafka.close();
  }
}
