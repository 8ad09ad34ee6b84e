using System.CommandLine;

using Xunit;

using ZeroOS.Cli;
using ZeroOS.Cli.Output;
using ZeroOS.Cli.Sessions;
using ZeroOS.Cli.Verbs;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Tests.Oci.Build;

namespace ZeroOS.Tests.Cli;

public sealed class RunInsideTests
{
    [Fact]
    public void Nothing_typed_is_nothing_said() => Assert.Equal(new RunInside(), Read("run demo/nginx"));

    [Fact]
    public void Dockers_words_are_the_deployments()
    {
        RunInside inside = Read("run -h web.example.org -l a=b=c --label empty --add-host db:10.0.0.7 --add-host six=::1 --dns 1.1.1.1 --dns-search . "
            + "--dns-option ndots:2 --group-add 44 --cap-add NET_ADMIN --cap-drop=ALL --privileged --read-only --tmpfs /run:size=64m,mode=1777,exec "
            + "--shm-size 1g --ulimit nofile=1024:2048 --ulimit memlock=-1 --sysctl net.core.somaxconn=1024 --init --pids-limit 200 demo/nginx -h x");
        Assert.Equal(("web.example.org", 1L << 30, 200), (inside.Hostname, inside.Shm?.Bytes, inside.Pids));
        Assert.Equal(new Dictionary<string, string> { ["a"] = "b=c", ["empty"] = "" }, inside.Labels);
        Assert.Equal(["db:10.0.0.7", "six:::1"], inside.ExtraHosts);
        Assert.Equal(("1.1.1.1", ".", "ndots:2"), (inside.Dns?.Servers?[0], inside.Dns?.Search?[0], inside.Dns?.Options?[0]));
        Assert.Equal(["44", "NET_ADMIN", "ALL"], [.. inside.Groups!, .. inside.CapAdd!, .. inside.CapDrop!]);
        Assert.True(inside is { Privileged: true, ReadOnlyRoot: true, Init: true });
        MachineTmpfs tmpfs = Assert.Single(inside.Tmpfs!);
        Assert.Equal(("/run", 64L << 20, "1777", "exec"), (tmpfs.Path, tmpfs.Size?.Bytes, tmpfs.Mode, tmpfs.Options?[0]));
        Assert.Equal([new MachineUlimit { Name = "nofile", Soft = 1024, Hard = 2048 }, new MachineUlimit { Name = "memlock", Soft = -1, Hard = -1 }],
            inside.Ulimits!);
        Assert.Equal("1024", inside.Sysctls!["net.core.somaxconn"]);
        Assert.Null(Read("run --pids-limit -1 demo/nginx").Pids);
    }

    [Theory]
    [InlineData("2", 2, null)]
    [InlineData("0.5", 1, 500)]
    [InlineData("1.5", 2, 1500)]
    [InlineData("0.125", 1, 125)]
    public void A_fraction_of_a_processor_is_a_quota(string text, int cpus, int? quota) => Assert.Equal((cpus, quota), RunInside.ParseCpus(text));

    [Theory]
    [InlineData("--cpus 0")]
    [InlineData("--cpus 0.0001")]
    [InlineData("--cpus many")]
    [InlineData("--label =x")]
    [InlineData("--sysctl net.core.somaxconn")]
    [InlineData("--ulimit nofile")]
    [InlineData("--ulimit nofile=1:2:3")]
    [InlineData("--ulimit nofile=x")]
    [InlineData("--tmpfs run")]
    [InlineData("--tmpfs /run:a:b")]
    [InlineData("--tmpfs /run:size=much")]
    public void What_is_no_word_of_dockers_is_wrong_usage(string options)
    {
        CliException e = Assert.Throws<CliException>(() =>
        {
            _ = Read($"run {options} demo/nginx");
            _ = RunInside.ParseCpus(options.Split(' ')[1]);
        });
        Assert.Equal(CliException.Usage, e.ExitCode);
    }

    private static RunInside Read(string typed)
    {
        using MemoryStream nowhere = new();
        RootCommand root = CommandLine.Build(new Terminal(TextWriter.Null, TextWriter.Null, nowhere, nowhere, interactive: false, _ => null));
        ParseResult parsed = root.Parse(WorkloadCommand.Separate(root, typed.Split(' ')));
        Assert.Empty(parsed.Errors);
        return RunInside.Read(parsed);
    }

    [Fact]
    public void A_small_file_that_is_mounted_read_only_travels_with_the_deployment()
    {
        using TemporaryDirectory folder = new();
        string file = folder.Write("app.conf", [0, 255]);
        File.SetUnixFileMode(file, (UnixFileMode)0x1A0);
        MachineFile read = Assert.Single(RunFiles.Read(["data:/data", $"{file}:/etc/app.conf:ro"])!);
        Assert.Equal(new MachineFile { Path = "/etc/app.conf", Base64 = "AP8=", Mode = "0640" }, read);
        Assert.Null(RunFiles.Read(["data:/data", $"{folder.Path}:/srv"]));
        Assert.Throws<CliException>(() => RunFiles.Read([$"{file}:/etc/app.conf"]));
        Assert.Throws<CliException>(() => RunFiles.Read([$"{folder.Write("large", new byte[300_000])}:/a:ro"]));
    }
}
