using System.Text.Json;

using Xunit;

using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Kinds.Machines;

namespace ZeroOS.Tests.Engine.Kinds.Machines;

public sealed class HealthRulesTests
{
    [Theory]
    [InlineData("""{ "command": ["curl", "-f", "http://localhost/"], "interval": "1s", "timeout": "60m", "retries": 1 }""")]
    [InlineData("""{ "shell": "redis-cli ping", "startPeriod": "0s", "startInterval": "2m", "onUnhealthy": "restart" }""")]
    [InlineData("""{ "http": { "port": 80 } }""")]
    [InlineData("""{ "http": { "port": 65535, "path": "/up?x=%20", "status": 204 } }""")]
    [InlineData("""{ "tcp": { "port": 1 }, "interval": "1000ms" }""")]
    [InlineData("""{ "none": true }""")]
    [InlineData("""{ "retries": 100 }""")]
    public void What_docker_can_say_and_more_is_valid(string json) => HealthRules.Check("health", Read(json));

    [Theory]
    [InlineData("""{ "command": ["a"], "shell": "b" }""", "health.shell")]
    [InlineData("""{ "http": { "port": 80 }, "tcp": { "port": 80 } }""", "health.tcp")]
    [InlineData("""{ "none": true, "tcp": { "port": 80 } }""", "health.none")]
    [InlineData("""{ "none": true, "interval": "5s" }""", "health.none")]
    [InlineData("""{ "command": [] }""", "health.command")]
    [InlineData("""{ "command": [""] }""", "health.command")]
    [InlineData("""{ "command": ["a\u0000"] }""", "health.command")]
    [InlineData("""{ "shell": " " }""", "health.shell")]
    [InlineData("""{ "shell": "a\u0000" }""", "health.shell")]
    [InlineData("""{ "http": { "port": 0 } }""", "health.http.port")]
    [InlineData("""{ "http": { "port": 80, "path": "up" } }""", "health.http.path")]
    [InlineData("""{ "http": { "port": 80, "path": "" } }""", "health.http.path")]
    [InlineData("""{ "http": { "port": 80, "path": "/a HTTP/1.1\r\nHost: b" } }""", "health.http.path")]
    [InlineData("""{ "http": { "port": 80, "status": 99 } }""", "health.http.status")]
    [InlineData("""{ "tcp": { "port": 65536 } }""", "health.tcp.port")]
    [InlineData("""{ "interval": "999ms" }""", "health.interval")]
    [InlineData("""{ "timeout": "61m" }""", "health.timeout")]
    [InlineData("""{ "startPeriod": "-1s" }""", "health.startPeriod")]
    [InlineData("""{ "startInterval": "0s" }""", "health.startInterval")]
    [InlineData("""{ "retries": 0 }""", "health.retries")]
    [InlineData("""{ "retries": 101 }""", "health.retries")]
    public void Anything_else_is_invalid_at_its_place(string json, string path) =>
        Assert.Equal(path, Assert.Throws<BusErrorException>(() => HealthRules.Check("health", Read(json))).Error.Path);

    [Fact]
    public void Probe_has_at_most_eight_kibibytes_of_program_and_arguments()
    {
        HealthRules.Check("health", new HealthCheck { Shell = new string('x', HealthLimits.CommandBytes - 1) });
        Assert.Throws<BusErrorException>(() => HealthRules.Check("health", new HealthCheck { Shell = new string('x', HealthLimits.CommandBytes) }));
        Assert.Throws<BusErrorException>(() => HealthRules.Check("health", new HealthCheck { Command = ["a", new string('x', HealthLimits.CommandBytes)] }));
    }

    [Theory]
    [InlineData("""{ "cmd": "x" }""")]
    [InlineData("""{ "onUnhealthy": "kill" }""")]
    [InlineData("""{ "http": { "port": 80, "host": "h" } }""")]
    public void Unknown_words_are_refused(string json) => Assert.Throws<JsonException>(() => Read(json));

    private static HealthCheck Read(string json) => JsonSerializer.Deserialize($$"""{ "flist": { "reference": "r/i", "digest": "d" }, "health": {{json}} }""",
        BusJson.Default.ZmachineData)!.Health!;
}
