import com.couchbase.mock.CouchbaseMock;
import com.couchbase.mock.memcached.MemcachedServer;
import java.io.IOException;
import java.lang.reflect.Field;
import java.net.StandardSocketOptions;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.List;

/**
 * CouchbaseMock, made to answer at once, as Couchbase does. It turns Nagle's algorithm on for each that connects: a second answer then
 * waits until the client has acknowledged the first, which one that has nothing more to say does after 40 ms. This turns it off again.
 */
public class Server {
  private static final long LOOK_EVERY_MS = 10;

  /** @param args the port of its HTTP service; the data service chooses its own */
  public static void main(String[] args) throws Exception {
    CouchbaseMock mock = new CouchbaseMock("127.0.0.1", Integer.parseInt(args[0]), 1, 0, 64, "default:", 0);
    mock.start();
    mock.waitForStartup();
    List<MemcachedServer> servers = List.of(mock.getBuckets().get("default").getServers());
    for (MemcachedServer server : servers) server.setCccpEnabled(true);
    for (;; Thread.sleep(LOOK_EVERY_MS)) {
      for (MemcachedServer server : servers) answerAtOnce(selectorOf(server));
    }
  }

  private static Selector selectorOf(MemcachedServer server) throws ReflectiveOperationException {
    Field selector = MemcachedServer.class.getDeclaredField("selector");
    selector.setAccessible(true);
    return (Selector) selector.get(server);
  }

  private static void answerAtOnce(Selector selector) {
    for (SelectionKey key : selector.keys()) {
      if (!(key.channel() instanceof SocketChannel socket)) continue;
      try {
        socket.setOption(StandardSocketOptions.TCP_NODELAY, true);
      } catch (IOException gone) {
        // Whoever it was has left.
      }
    }
  }
}
