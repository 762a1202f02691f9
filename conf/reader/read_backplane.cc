// backplane

#include "conf/reader/addresses.h"
#include "conf/reader/read_values.h"
#include "conf/reader/sections.h"

namespace sockhook::conf {
namespace {

constexpr std::string_view kUrlAllowed =
    "redis://USER:PASSWORD@HOST:PORT/DATABASE, with rediss:// for TLS";

void read_sentinel(const Cursor& cursor, std::optional<Redis::Sentinel>* target) {
  Section section(cursor, "a map of master, nodes and password");
  constexpr std::string_view kNodeAllowed = "HOST:PORT";
  Redis::Sentinel sentinel;
  const Cursor master = section["master"];
  const Cursor nodes = section["nodes"];
  read_text(master, &sentinel.master, "the name of a master");
  for (const Cursor& item : nodes.items("a list of HOST:PORT")) {
    const std::optional<std::string> text = item.text(kNodeAllowed);
    if (!item.require(kNodeAllowed) || !text) continue;
    const Scalar<HostPort> node = parse_host_port(*text, uint16_t{26379});
    if (node) {
      sentinel.nodes.push_back(*node);
    } else {
      item.mistake(quote(*text) + " " + node.error(), kNodeAllowed);
    }
  }
  read_secret(section["password"], &sentinel.password);
  const bool has_nodes = nodes.is_list() && !sentinel.nodes.empty();
  if (!cursor.is_map()) return;
  if (!master.is_given() && !has_nodes && !sentinel.password) return;
  master.require("the name of a master");
  if (!has_nodes) nodes.mistake("has no node", "a list of HOST:PORT");
  *target = std::move(sentinel);
}

void read_redis_url(const Cursor& cursor, Redis* redis) {
  const std::optional<std::string> text = cursor.text(kUrlAllowed);
  if (!text) return;
  const Scalar<Redis> parsed = parse_redis_url(*text);
  if (parsed) {
    *redis = *parsed;
  } else {
    cursor.mistake(parsed.error(), kUrlAllowed);
  }
}

void read_redis(const Cursor& cursor, std::optional<Redis>* target) {
  if (!cursor.is_given()) return;
  Section section(cursor);
  Redis redis;
  const Cursor url = section["url"];
  read_redis_url(url, &redis);
  read_name(section["prefix"], &redis.prefix);
  const Cursor heartbeat = section["heartbeat"];
  const Cursor lease = section["lease"];
  read_duration(heartbeat, &redis.heartbeat, {Duration{100}, kHour});
  read_duration(lease, &redis.lease, {Duration{200}, kHour});
  if (redis.lease < 2 * redis.heartbeat) {
    (lease.is_given() ? lease : heartbeat)
        .mistake("a lease shorter than two heartbeats runs out when one is late",
                 "a lease of at least twice the heartbeat");
  }
  const Cursor sentinel = section["sentinel"];
  read_sentinel(sentinel, &redis.sentinel);
  const Cursor cluster = section["cluster"];
  read_bool(cluster, &redis.cluster);
  if (redis.cluster && redis.sentinel) {
    cluster.mistake("stands beside sentinel", "either cluster or sentinel");
  }
  if (redis.cluster && redis.database != 0) {
    url.mistake("has a database number, which a cluster does not know", "database 0");
  }
  read_bool(section["operations"], &redis.operations);
  Section tls(section["tls"], "a map with ca");
  const Cursor ca = tls["ca"];
  read_file_name(ca, &redis.tls_ca);
  if (redis.tls_ca && !redis.tls) ca.mistake("is set, but the URL is not rediss://", "rediss://");
  if (cursor.is_map()) *target = std::move(redis);
}

}  // namespace

void read_backplane(const Cursor& cursor, Backplane* backplane) {
  if (cursor.is_word("memory")) return;
  Section section(cursor, "memory, or a map of redis and partition");
  read_redis(section["redis"], &backplane->redis);
  const Cursor partition = section["partition"];
  read_choice(partition, &backplane->fence_when_partitioned, {{"serve", false}, {"fence", true}});
  if (backplane->fence_when_partitioned && !backplane->redis) {
    partition.mistake("needs backplane.redis, which is not set", "fence beside redis");
  }
}

}  // namespace sockhook::conf
