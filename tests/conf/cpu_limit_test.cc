#include "conf/cpu_limit.h"

#include <gtest/gtest.h>

#include <map>

namespace sockhook::conf {
namespace {

std::optional<double> quota_of(const std::map<std::string, std::string>& files) {
  return cgroup_quota([&](const std::string& path) {
    const auto file = files.find(path);
    return file == files.end() ? std::nullopt : std::optional<std::string>(file->second);
  });
}

TEST(CpuLimit, ReadsTheQuotaOfCgroup2) {
  EXPECT_DOUBLE_EQ(*parse_cgroup2_quota("150000 100000\n"), 1.5);
  EXPECT_FALSE(parse_cgroup2_quota("max 100000\n"));
  EXPECT_FALSE(parse_cgroup2_quota(""));
  EXPECT_FALSE(parse_cgroup2_quota("0 0"));
  EXPECT_FALSE(parse_cgroup2_quota("1x 100000"));
}

TEST(CpuLimit, ReadsTheQuotaOfCgroup1) {
  EXPECT_DOUBLE_EQ(*parse_cgroup1_quota("200000\n", "100000\n"), 2);
  EXPECT_FALSE(parse_cgroup1_quota("-1\n", "100000\n"));
}

TEST(CpuLimit, FindsTheProcessInBothHierarchies) {
  const CgroupPaths v2 = parse_proc_cgroup("0::/kubepods/pod1\n");
  EXPECT_EQ(v2.v2, "/kubepods/pod1");
  EXPECT_FALSE(v2.v1_cpu);
  const CgroupPaths v1 = parse_proc_cgroup("5:cpuset:/a\n4:cpu,cpuacct:/b\n1:name=systemd:/c\n");
  EXPECT_EQ(v1.v1_cpu, "/b");
  EXPECT_FALSE(v1.v2);
  EXPECT_FALSE(parse_proc_cgroup("garbage\n\n::").v1_cpu);
}

TEST(CpuLimit, TakesTheSmallestQuotaUpToTheRoot) {
  EXPECT_DOUBLE_EQ(*quota_of({{"/proc/self/cgroup", "0::/pod/app\n"},
                              {"/sys/fs/cgroup/pod/app/cpu.max", "max 100000"},
                              {"/sys/fs/cgroup/pod/cpu.max", "300000 100000"},
                              {"/sys/fs/cgroup/cpu.max", "400000 100000"}}),
                   3);
}

TEST(CpuLimit, FindsTheQuotaInAContainerThatSeesOnlyItsOwnRoot) {
  EXPECT_DOUBLE_EQ(
      *quota_of({{"/proc/self/cgroup", "0::/\n"}, {"/sys/fs/cgroup/cpu.max", "50000 100000"}}),
      0.5);
  EXPECT_DOUBLE_EQ(*quota_of({{"/proc/self/cgroup", "4:cpu,cpuacct:/docker/abc\n"},
                              {"/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "250000\n"},
                              {"/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"}}),
                   2.5);
}

TEST(CpuLimit, HasNoQuotaWithoutFiles) { EXPECT_FALSE(quota_of({})); }

TEST(CpuLimit, RoundsUpAndStaysBetweenOneAndTheAffinity) {
  EXPECT_EQ(cpus_from(1.5, 8), 2U);
  EXPECT_EQ(cpus_from(0.2, 8), 1U);
  EXPECT_EQ(cpus_from(16, 8), 8U);
  EXPECT_EQ(cpus_from(std::nullopt, 8), 8U);
  EXPECT_EQ(cpus_from(std::nullopt, 0), 1U);
  EXPECT_EQ(cpus_from(1e12, 4), 4U);
}

TEST(CpuLimit, IsAtLeastOneHere) { EXPECT_GE(available_cpus(), 1U); }

}  // namespace
}  // namespace sockhook::conf
