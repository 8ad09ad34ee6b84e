using System.Text;

using Xunit;

using ZeroOS.Bus.Json;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;

namespace ZeroOS.Tests.Bus;

public sealed class StrictJsonTests
{
    private const string Web = """
        {"name":"web","version":1,"workloads":[{"name":"web","type":"zmachine","data":{"flist":{"reference":"demo/nginx","digest":"sha256:00"},
        "memory":"128MiB","publish":[{"host":8080,"guest":80,"protocol":"tcp"}],"stop":{"signal":"SIGQUIT","timeout":"30s"}}}]}
        """;

    [Theory]
    [InlineData("""{"a":1,"a":2}""", "twice")]
    [InlineData("""{"a":1,"\u0061":2}""", "twice")]
    [InlineData("""{"x":{"b":1,"b":1}}""", "twice")]
    [InlineData("""{"a":1}x""", "not JSON")]
    [InlineData("""{"a":1}{}""", "not JSON")]
    [InlineData("""{"a":1,}""", "not JSON")]
    [InlineData("""{"a":1}/**/""", "not JSON")]
    [InlineData("", "not JSON")]
    [InlineData("""{"a":null}""", "null")]
    [InlineData("null", "null")]
    [InlineData("""{"a":1.5}""", "number")]
    [InlineData("""{"a":1e3}""", "number")]
    [InlineData("""{"a":1.0}""", "number")]
    [InlineData("""{"a":-0}""", "number")]
    [InlineData("""{"a":9007199254740993}""", "number")]
    [InlineData("""{"a":99999999999999999999}""", "number")]
    [InlineData("""{"a":"\ud800"}""", "half a character")]
    [InlineData("""{"\udc00":1}""", "half a character")]
    [InlineData("\ufeff{}", "not JSON")]
    public void What_two_readers_could_read_differently_is_refused(string text, string why)
    {
        Assert.False(StrictJson.TryCheck(Encoding.UTF8.GetBytes(text), out string? fault));
        Assert.Contains(why, fault, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"a":9007199254740992,"b":-1,"c":[true,false,"\ud83d\ude00",""],"d":{"a":0}}""")]
    [InlineData("[{\"a\":1},{\"a\":1}]")]
    public void Plain_json_passes(string text) => Assert.True(StrictJson.TryCheck(Encoding.UTF8.GetBytes(text), out _));

    [Fact]
    public void Invalid_utf8_is_refused() => Assert.False(StrictJson.TryCheck([(byte)'"', 0xff, (byte)'"'], out _));

    [Fact]
    public void Depth_over_16_is_refused()
    {
        Assert.True(StrictJson.TryCheck(Encoding.UTF8.GetBytes(new string('[', 16) + new string(']', 16)), out _));
        Assert.False(StrictJson.TryCheck(Encoding.UTF8.GetBytes(new string('[', 17) + new string(']', 17)), out _));
        Assert.False(StrictJson.TryCheck(Encoding.UTF8.GetBytes(new string('[', 1 << 20)), out _));
    }

    [Theory]
    [InlineData("QUI=", true)]
    [InlineData("QUJ=", false)]     // stray bits
    [InlineData("QUI", false)]
    [InlineData("QU I=", false)]
    [InlineData("QUI=\n", false)]
    [InlineData("QUI=QUI=", false)]
    [InlineData("____", false)]
    [InlineData("", true)]
    public void Base64_has_one_text_a_value(string text, bool good) => Assert.Equal(good, CanonicalBase64.TryDecode(text, out _));

    [Fact]
    public void A_deployment_reads_whatever_the_order_of_its_members()
    {
        Assert.True(Read(Web, out Deployment? deployment, out JsonFault? fault), fault?.Message);
        ZmachineWorkload machine = Assert.IsType<ZmachineWorkload>(Assert.Single(deployment!.Workloads));
        Assert.Equal(128L << 20, machine.Data.Memory!.Value.Bytes);
        Assert.Equal("SIGQUIT", machine.Data.Stop.Signal);
    }

    [Theory]
    [InlineData("\"memory\"", "\"memroy\"", "workloads[0].data", "memroy")]
    [InlineData("\"host\"", "\"hots\"", "workloads[0].data.publish[0]", "hots")]
    [InlineData("\"tcp\"", "\"sctp\"", "workloads[0].data.publish[0].protocol", "")]
    [InlineData("\"tcp\"", "1", "workloads[0].data.publish[0].protocol", "")]
    [InlineData("\"128MiB\"", "\"128 monkeys\"", "workloads[0].data.memory", "MiB")]
    [InlineData("\"128MiB\"", "-1", "workloads[0].data.memory", "MiB")]
    [InlineData("\"version\":1", "\"version\":\"1\"", "version", "")]
    [InlineData("zmachine", "zmaschine", "workloads[0]", "type")]
    [InlineData("\"type\":\"zmachine\",", "", "workloads[0]", "type")]
    public void A_misspelt_field_is_named_with_its_path(string from, string to, string path, string says)
    {
        Assert.False(Read(Web.Replace(from, to, StringComparison.Ordinal), out _, out JsonFault? fault));
        Assert.StartsWith(path, fault!.Path, StringComparison.Ordinal);
        Assert.Contains(says, fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("ZeroOS.", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("2026-11-22T09:30:00Z", true)]
    [InlineData("2026-11-22T09:30:00.5Z", true)]
    [InlineData("2026-11-22T09:30:00+00:00", false)]
    [InlineData("2026-11-22T10:30:00+01:00", false)]
    [InlineData("2026-11-22T09:30:00", false)]
    [InlineData("2026-11-22T09:30:00z", false)]
    [InlineData("2026-11-22", false)]
    public void A_time_is_utc_with_Z(string time, bool good)
    {
        string text = $$"""{"number":1,"time":"{{time}}","kind":"x"}""";
        Assert.Equal(good, StrictJson.TryRead(Encoding.UTF8.GetBytes(text), BusJson.Default.NodeEvent, out _, out _));
    }

    [Fact]
    public void Mutated_deployments_never_throw()
    {
        Random random = new(17);
        byte[] text = Encoding.UTF8.GetBytes(Web);
        for (int i = 0; i < 10_000; i++)
        {
            byte[] mutated = [.. text];
            for (int n = random.Next(1, 5); n > 0; n--)
                mutated[random.Next(mutated.Length)] = random.Next(3) == 0 ? (byte)random.Next(256) : text[random.Next(text.Length)];
            bool read = StrictJson.TryRead(mutated, BusJson.Default.Deployment, out Deployment? deployment, out JsonFault? fault);
            Assert.True(read ? deployment is not null && fault is null : fault is not null);
        }
    }

    private static bool Read(string text, out Deployment? deployment, out JsonFault? fault) =>
        StrictJson.TryRead(Encoding.UTF8.GetBytes(text), BusJson.Default.Deployment, out deployment, out fault);
}
