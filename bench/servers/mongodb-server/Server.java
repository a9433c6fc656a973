import de.bwaldvogel.mongo.MongoDatabase;
import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.ArrayFilters;
import de.bwaldvogel.mongo.backend.CollectionOptions;
import de.bwaldvogel.mongo.backend.CursorRegistry;
import de.bwaldvogel.mongo.backend.Index;
import de.bwaldvogel.mongo.backend.IndexKey;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import de.bwaldvogel.mongo.backend.memory.MemoryCollection;
import de.bwaldvogel.mongo.backend.memory.MemoryDatabase;
import de.bwaldvogel.mongo.backend.memory.index.MemoryUniqueIndex;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.exception.ImmutableFieldException;
import de.bwaldvogel.mongo.oplog.Oplog;
import de.bwaldvogel.mongo.wire.message.MongoMessage;
import io.netty.channel.Channel;
import java.util.List;

/**
 * MongoDB's protocol in memory, fast enough to load clients with: mongo-java-server, made to do as MongoDB does where that decides
 * what a client's command costs. One that names an _id looks it up, whatever else it asks, and does not search the collection; and
 * the server is a replica set of one, with sessions, so that clients do for a command what they do with such.
 */
public class Server {
  public static void main(String[] args) {
    int port = Integer.parseInt(args[0]);
    new MongoServer(new Backend("127.0.0.1:" + port).version(new Version())).bind("127.0.0.1", port);
  }

  /** The least that clients of today speak to. */
  private static final class Version implements MongoVersion {
    @Override public List<Integer> getVersionArray() { return List.of(8, 0, 0); }
    @Override public int getWireVersion() { return 25; }
  }

  private static final class Backend extends MemoryBackend {
    private final String address;

    Backend(String address) { this.address = address; }

    @Override public MemoryDatabase openOrCreateDatabase(String name) { return new Database(name, getCursorRegistry()); }

    /** Says that it is a replica set of one, with sessions: then clients do for a command what they do with such. */
    @Override public Document handleMessage(MongoMessage message) {
      if (message.getDocument().containsKey("bulkWrite")) return bulkWrite(message);
      return describe(message.getDocument(), super.handleMessage(message));
    }

    /** The command of MongoDB 8: tells what became of each update. */
    @SuppressWarnings("unchecked")
    private Document bulkWrite(MongoMessage message) {
      Document command = message.getDocument();
      java.util.List<Document> ops = new java.util.ArrayList<>((java.util.Collection<Document>) command.get("ops"));
      java.util.List<Document> spaces = new java.util.ArrayList<>((java.util.Collection<Document>) command.get("nsInfo"));
      java.util.List<Document> results = new java.util.ArrayList<>();
      int errors = 0, matched = 0, upserted = 0, modified = 0;
      for (int i = 0; i < ops.size(); i++) {
        Document op = ops.get(i);
        String ns = (String) spaces.get(((Number) op.get("update")).intValue()).get("ns");
        int dot = ns.indexOf('.');
        Document update = new Document("q", op.get("filter")).append("u", op.get("updateMods")).append("upsert", op.getOrDefault("upsert", false));
        Document one = new Document("update", ns.substring(dot + 1)).append("updates", List.of(update)).append("$db", ns.substring(0, dot));
        Document answer = super.handleMessage(new MongoMessage(message.getChannel(), message.getHeader(), one));
        Document result = new Document("ok", 1).append("idx", i).append("n", answer.get("n")).append("nModified", answer.get("nModified"));
        java.util.List<Document> failed = (java.util.List<Document>) answer.get("writeErrors");
        if (failed != null && !failed.isEmpty()) {
          errors++;
          result = new Document("ok", 0).append("idx", i).append("code", failed.get(0).get("code")).append("errmsg", failed.get(0).get("errmsg")).append("n", 0);
        } else if (answer.get("upserted") != null) {
          upserted++;
          result.append("upserted", new Document("_id", ((java.util.List<Document>) answer.get("upserted")).get(0).get("_id")));
        } else matched += ((Number) answer.get("n")).intValue();
        results.add(result);
      }
      return new Document("ok", 1).append("cursor", new Document("id", 0L).append("ns", "admin.$cmd.bulkWrite").append("firstBatch", results))
        .append("nErrors", errors).append("nInserted", 0).append("nMatched", matched).append("nModified", matched).append("nUpserted", upserted).append("nDeleted", 0);
    }

    @Override public Document handleCommand(Channel channel, String database, String command, Document query) {
      return describe(query, super.handleCommand(channel, database, command, query));
    }

    private Document describe(Document command, Document answer) {
      if (answer.containsKey("maxWireVersion")) {
        answer.append("setName", "load").append("hosts", List.of(address)).append("me", address).append("primary", address);
        answer.append("setVersion", 1).append("secondary", false).append("isWritablePrimary", true).append("ismaster", true);
        answer.append("logicalSessionTimeoutMinutes", 30);
      }
      return answer;
    }
  }

  private static final class Database extends MemoryDatabase {
    Database(String name, CursorRegistry cursors) { super(name, cursors); }

    @Override protected MemoryCollection openOrCreateCollection(String name, CollectionOptions options) {
      return new Collection(this, name, options, cursorRegistry);
    }

    @Override protected Index<Integer> openOrCreateUniqueIndex(String collection, String name, List<IndexKey> keys, boolean sparse) {
      return new UniqueIndex(name, keys, sparse);
    }
  }

  /** Refuses to make a document of another _id than was asked for. */
  private static final class Collection extends MemoryCollection {
    Collection(MongoDatabase database, String name, CollectionOptions options, CursorRegistry cursors) {
      super(database, name, options, cursors);
    }

    @Override public Document updateDocuments(
        Document filter, Document update, ArrayFilters arrayFilters, boolean isMulti, boolean isUpsert, Oplog oplog) {
      Object asked = filter.get("_id");
      boolean isOther = asked != null
          && update.get("$setOnInsert") instanceof Document made && made.containsKey("_id") && !asked.equals(made.get("_id"));
      Document result = super.updateDocuments(filter, update, arrayFilters, isMulti, isUpsert && !isOther, oplog);
      if (isUpsert && isOther && Integer.valueOf(0).equals(result.get("n"))) {
        throw new ImmutableFieldException("Performing an update on the path '_id' would modify the immutable field '_id'");
      }
      return result;
    }
  }

  private static final class UniqueIndex extends MemoryUniqueIndex {
    UniqueIndex(String name, List<IndexKey> keys, boolean sparse) { super(name, keys, sparse); }

    @Override public synchronized boolean canHandle(Document query) {
      boolean isOfId = getKeys().size() == 1 && getKeys().get(0).getKey().equals("_id");
      return (isOfId && query.get("_id") instanceof String) || super.canHandle(query);
    }
  }
}
