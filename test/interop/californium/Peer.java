import com.upokecenter.cbor.CBORObject;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.eclipse.californium.core.CoapClient;
import org.eclipse.californium.core.CoapHandler;
import org.eclipse.californium.core.CoapObserveRelation;
import org.eclipse.californium.core.CoapResource;
import org.eclipse.californium.core.CoapResponse;
import org.eclipse.californium.core.CoapServer;
import org.eclipse.californium.core.coap.CoAP.Code;
import org.eclipse.californium.core.coap.CoAP.ResponseCode;
import org.eclipse.californium.core.coap.Request;
import org.eclipse.californium.core.coap.Response;
import org.eclipse.californium.core.config.CoapConfig;
import org.eclipse.californium.core.network.EndpointManager;
import org.eclipse.californium.core.server.resources.CoapExchange;
import org.eclipse.californium.cose.AlgorithmID;
import org.eclipse.californium.elements.config.Configuration;
import org.eclipse.californium.elements.util.Bytes;
import org.eclipse.californium.elements.util.StringUtil;
import org.eclipse.californium.oscore.ContextRederivation;
import org.eclipse.californium.oscore.HashMapCtxDB;
import org.eclipse.californium.oscore.OSCoreCoapStackFactory;
import org.eclipse.californium.oscore.OSCoreCtx;
import org.eclipse.californium.oscore.OSCoreResource;

/**
 * Eclipse Californium as a client or server of RFC 8613.
 *
 * <pre>
 * Peer client CONTEXT HOST ACTIONS     does what ACTIONS (JSON) say, one answer a line, as JSON
 * Peer server CONTEXT                  says `listening`; /hello and, observable, /count
 * </pre>
 *
 * CONTEXT: {"secret", "salt", "own", "peer"} in hex; with "renegotiate" the two make a new one first
 * (RFC 8613 Appendix B.2).
 */
public final class Peer {
  private static final int REPLAY_WINDOW = 32;
  private static final int UNFRAGMENTED_BYTES = 4096;
  private static final long SECONDS = 20;
  private static final long COUNT_MILLIS = 700;

  public static void main(String[] words) throws Exception {
    CoapConfig.register();
    Configuration.createStandardWithoutFile();
    HashMapCtxDB contexts = new HashMapCtxDB();
    OSCoreCoapStackFactory.useAsDefault(contexts);
    CBORObject given = CBORObject.FromJSONString(words[1]);
    if (words[0].equals("server")) {
      OSCoreCtx ours = context(given, false);
      ours.setContextRederivationEnabled(given.ContainsKey("renegotiate"));
      contexts.addContext(ours);
      serve();
      return;
    }
    String base = "coap://[" + words[2] + "]";
    OSCoreCtx ours = context(given, true);
    contexts.addContext(base, ours);
    // RFC 8613 Appendix B.2: as one that has its master secret and nothing else.
    if (given.ContainsKey("renegotiate")) {
      ours.setContextRederivationEnabled(true);
      ContextRederivation.setLostContext(contexts, base);
    }
    for (CBORObject action : CBORObject.FromJSONString(words[3]).getValues()) act(base, action);
    System.exit(0);
  }

  private static OSCoreCtx context(CBORObject given, boolean client) throws Exception {
    return new OSCoreCtx(
        bytes(given, "secret"),
        client,
        AlgorithmID.AES_CCM_16_64_128,
        bytes(given, "own"),
        bytes(given, "peer"),
        AlgorithmID.HKDF_HMAC_SHA_256,
        REPLAY_WINDOW,
        bytes(given, "salt"),
        null,
        UNFRAGMENTED_BYTES);
  }

  private static byte[] bytes(CBORObject given, String name) {
    return StringUtil.hex2ByteArray(given.get(name).AsString());
  }

  private static void act(String base, CBORObject action) throws Exception {
    CoapClient client = new CoapClient(base + action.get("path").AsString());
    client.setTimeout(TimeUnit.SECONDS.toMillis(SECONDS));
    if (action.ContainsKey("observe")) {
      follow(client, action);
    } else {
      tell(client.advanced(request(action.get("method").AsString(), action)));
    }
    client.shutdown();
  }

  private static Request request(String method, CBORObject action) {
    Request request = new Request(Code.valueOf(method));
    request.getOptions().setOscore(Bytes.EMPTY);
    if (action.ContainsKey("payload")) {
      request.setPayload(StringUtil.hex2ByteArray(action.get("payload").AsString()));
    }
    if (action.ContainsKey("szx")) {
      request.getOptions().setBlock2(action.get("szx").AsInt32Value(), false, 0);
    }
    return request;
  }

  /**
   * Notifications, with a PUT of the next of `change` after each. They are taken from below
   * CoapClient, which orders them by the Observe option's value: inside the protection that is
   * empty, always (RFC 8613 section 4.1.3.5.2), and Californium puts no other in its place.
   */
  private static void follow(CoapClient client, CBORObject action) throws Exception {
    int count = action.get("observe").AsInt32Value();
    CountDownLatch left = new CountDownLatch(count);
    Request get = request("GET", action);
    get.setObserve();
    EndpointManager.getEndpointManager()
        .getDefaultEndpoint("coap")
        .addNotificationListener(
            (request, response) -> {
              if (left.getCount() > 0) tell(response);
              left.countDown();
            });
    CoapObserveRelation relation = client.observe(get, new First(left));
    CBORObject changes = action.get("change");
    for (int i = 0; changes != null && i < changes.size(); i++) {
      while (left.getCount() > count - 1 - i) Thread.sleep(50);
      Request put = new Request(Code.PUT);
      put.getOptions().setOscore(Bytes.EMPTY);
      put.setPayload(changes.get(i).AsString());
      client.advanced(put);
    }
    left.await(SECONDS, TimeUnit.SECONDS);
    relation.reactiveCancel();
  }

  private static void tell(CoapResponse response) {
    if (response == null) System.out.println("{\"code\":\"nothing\",\"payload\":\"\"}");
    else tell(response.advanced());
  }

  private static void tell(Response response) {
    String payload = StringUtil.byteArray2Hex(response.getPayload()).toLowerCase();
    System.out.println(
        "{\"code\":\"" + response.getCode() + "\",\"payload\":\"" + payload + "\"}");
  }

  /** The answer to the registration, which is no notification to the listener. */
  private static final class First implements CoapHandler {
    private final CountDownLatch left;
    private boolean told;

    First(CountDownLatch left) {
      this.left = left;
    }

    @Override
    public void onLoad(CoapResponse response) {
      if (told) return;
      told = true;
      tell(response);
      left.countDown();
    }

    @Override
    public void onError() {
      System.out.println("{\"code\":\"error\",\"payload\":\"\"}");
    }
  }

  private static void serve() throws Exception {
    CoapServer server = new CoapServer();
    Count count = new Count();
    server.add(new Hello(), count);
    server.start();
    System.out.println("listening");
    for (int value = 1; ; value++) {
      Thread.sleep(COUNT_MILLIS);
      count.value = value;
      count.changed();
    }
  }

  private static final class Hello extends OSCoreResource {
    Hello() {
      super("hello", true);
    }

    @Override
    public void handleGET(CoapExchange exchange) {
      exchange.respond(ResponseCode.CONTENT, "hello".getBytes(StandardCharsets.UTF_8));
    }
  }

  /** OSCoreResource knows a protected request only the first time: it would refuse to notify. */
  private static final class Count extends CoapResource {
    volatile int value;

    Count() {
      super("count");
      setObservable(true);
    }

    @Override
    public void handleGET(CoapExchange exchange) {
      exchange.respond(ResponseCode.CONTENT, Integer.toString(value));
    }
  }
}
