using System.Text;

using Xunit;

using ZeroOS.Flist;
using ZeroOS.Images.Store;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Images.Store;

public sealed class ImageHealthTests
{
    [Fact]
    public void Check_of_an_image_is_read_with_its_times_in_milliseconds()
    {
        ImageHealth health = Read("""{"Test":["CMD","curl","-f","/"],"Interval":5000000000,"Timeout":3000000000,"StartPeriod":60000000000,"Retries":4}""")!;
        Assert.Equal(["curl", "-f", "/"], health.Command);
        Assert.Equal((5_000, 3_000, 60_000, null, 4), (health.IntervalMs, health.TimeoutMs, health.StartPeriodMs, health.StartIntervalMs, health.Retries));
    }

    [Fact]
    public void Text_is_run_by_the_images_shell()
    {
        Assert.Equal(["/bin/sh", "-c", "a || exit 1"], Read("""{"Test":["CMD-SHELL","a || exit 1"]}""")!.Command);
        Assert.Equal(["/bin/ash", "-x", "a"], Read("""{"Test":["CMD-SHELL","a"]}""", """["/bin/ash","-x"]""")!.Command);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("""{"Test":null}""")]
    [InlineData("""{"Test":[]}""")]
    [InlineData("""{"Test":["NONE"]}""")]
    [InlineData("""{"Test":["CMD"]}""")]
    [InlineData("""{"Test":["CMD",""]}""")]
    [InlineData("""{"Test":["CMD-SHELL"]}""")]
    [InlineData("""{"Test":["POWERSHELL","a"]}""")]
    public void Nothing_to_run_is_no_check(string json) => Assert.Null(Read(json));

    [Fact]
    public void Numbers_out_of_bounds_are_the_nearest_that_are_not()
    {
        const string Most = "9223372036854775807";
        const string Check = """{"Test":["CMD","a"],"Interval":1,"Timeout":MOST,"StartPeriod":-1,"StartInterval":0,"Retries":MOST}""";
        ImageHealth health = Read(Check.Replace("MOST", Most, StringComparison.Ordinal))!;
        Assert.Equal((1_000, 3_600_000, null, null, 100),
            (health.IntervalMs, health.TimeoutMs, health.StartPeriodMs, health.StartIntervalMs, health.Retries));
    }

    [Theory]
    [InlineData("""{"Test":["CMD",null]}""")]
    [InlineData("""{"Test":["CMD","a\u0000"]}""")]
    [InlineData("""{"Test":"a"}""")]
    [InlineData("""{"Test":["CMD","a"],"Retries":1e99}""")]
    public void Nonsense_is_refused_as_in_the_rest_of_the_config(string json) => Assert.Throws<FlistFormatException>(() => Read(json));

    private static ImageHealth? Read(string health, string shell = "null") =>
        ImageConfigReader.Parse(Encoding.UTF8.GetBytes($$$"""{"config":{"Shell":{{{shell}}},"Healthcheck":{{{health}}}}}""")).Health;
}
