using System.Text;

using Xunit;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Contracts.Guest;
using ZeroOS.Engine.Kinds.Machines;
using ZeroOS.Flist;
using ZeroOS.Images.Store;
using ZeroOS.Tests.Workloads;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Images.Store;

/// <summary>What an image's config can make of the specification that its guest is told.</summary>
public sealed class ImageConfigFuzzTests
{
    private static readonly string[] s_texts =
    [
        "", "a", "/", "/bin/sh", "A=b", "A=", "=b", "A=b=c", "0:0", "SIGTERM", "9", "\\u0000", "\\ud800", "\\udfff\\ud800", "\\u202e",
        "x".PadRight(200_000, 'x'), "PATH=/x", "..",
    ];

    /// <summary>An entry point for fuzzing: a config is refused with its own exceptions, or makes a specification that a guest can be told.</summary>
    internal static bool Run(int seed)
    {
        Random random = new(seed);
        try
        {
            ImageConfig config = ImageConfigReader.Parse(Encoding.UTF8.GetBytes(Config(random)));
            ZmachineData data = Data(random);
            GuestProcess process = GuestSpecBuilder.Merge(data, config);
            Assert.NotEmpty(process.Arguments[0]);
            Assert.StartsWith("/", process.WorkingDirectory, StringComparison.Ordinal);
            Assert.DoesNotContain(process.Arguments.Concat(process.Environment).Append(process.User), t => t.Contains('\0', StringComparison.Ordinal));
            Assert.All(process.Environment, e => Assert.Contains('=', e));
            Assert.Equal(process.Environment.Count, process.Environment.Select(e => e.Split('=')[0]).Distinct(StringComparer.Ordinal).Count());
            GuestSpec spec = GuestSpecBuilder.Build(new WorkloadId("t", "d", "m"), TestNames.Names, data, config, [], [], DateTimeOffset.UnixEpoch);
            Assert.Equal(process.Arguments, spec.Process.Arguments);
            return true;
        }
        catch (Exception e) when (e is FlistFormatException || (e is WorkloadException { Permanent: true }))
        {
            return false;
        }
    }

    [Fact]
    public void Five_thousand_configs_are_refused_or_make_a_specification_that_fits()
    {
        int made = 0;
        for (int seed = 0; seed < 5000; seed++)
        {
            try
            {
                made += Run(seed) ? 1 : 0;
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"seed {seed}", e);
            }
        }
        Assert.InRange(made, 100, 4900);
    }

    private static ZmachineData Data(Random random) => new()
    {
        Flist = new FlistReference { Reference = "demo/x/y:1", Digest = Sha256Digest.Of([]).ToString() },
        Memory = new ByteSize(64 << 20),
        Entrypoint = random.Next(3) == 0 ? ["/bin/mine"] : null,
        Args = random.Next(3) == 0 ? ["arg"] : null,
        Env = random.Next(2) == 0 ? new Dictionary<string, string> { ["A"] = "mine", ["Z"] = "z" } : new Dictionary<string, string>(),
    };

    private static string Config(Random random)
    {
        List<string> members = [];
        foreach (string list in (string[])["Entrypoint", "Cmd", "Env"])
        {
            if (random.Next(3) > 0)
                members.Add($"\"{list}\":[{string.Join(',', Enumerable.Range(0, random.Next(4)).Select(_ => Text(random, list == "Env")))}]");
        }
        foreach (string one in (string[])["User", "WorkingDir", "StopSignal"])
        {
            if (random.Next(4) == 0)
                members.Add($"\"{one}\":{Text(random, false)}");
        }
        string json = $$"""{"os":"linux","config":{ {{string.Join(',', members)}} } }""";
        if (random.Next(4) > 0)
            return json;
        StringBuilder mutated = new(json);
        mutated[random.Next(json.Length)] = (char)random.Next(1, 128);
        return mutated.ToString();
    }

    private static string Text(Random random, bool variable) =>
        random.Next(30) == 0 ? "null" : $"\"{(variable && random.Next(4) > 0 ? "A=b" : s_texts[random.Next(s_texts.Length)])}\"";
}
