using ZeroOS.Cli.Sessions;
using ZeroOS.Cli.Verbs;

namespace ZeroOS.Tests.Cli.Verbs;

/// <summary>The table of docker cp: https://docs.docker.com/reference/cli/docker/container/cp.</summary>
public class CopyRulesTests
{
    private const string Nothing = "nothing", File = "file", Directory = "directory";

    [Theory]
    // A file.
    [InlineData(false, "src", "dst", Nothing, "dst")]
    [InlineData(false, "src", "dst/", Nothing, null)]
    [InlineData(false, "src", "dst", File, "dst")]
    [InlineData(false, "src", "dst/", File, null)]
    [InlineData(false, "src", "dst", Directory, "src")]
    [InlineData(false, "src", "dst/", Directory, "src")]
    // A directory.
    [InlineData(true, "src", "dst", Nothing, "dst")]
    [InlineData(true, "src", "dst/", Nothing, "dst")]
    [InlineData(true, "src", "dst", File, null)]
    [InlineData(true, "src", "dst/", File, null)]
    [InlineData(true, "src", "dst", Directory, "src")]
    // What is in a directory.
    [InlineData(true, "", "dst", Nothing, "dst")]
    [InlineData(true, "", "dst", File, null)]
    [InlineData(true, "", "dst", Directory, "")]
    public void Copy_is_called_as_docker_calls_it(bool isDirectory, string source, string target, string there, string? name)
    {
        CopyRules.Target to = new(target, there != Nothing, there == Directory, there == Directory ? "" : "dst");
        if (name is null)
            Assert.Equal(CliException.Refused, Assert.Throws<CliException>(() => CopyRules.NameAt(new CopyRules.Source(isDirectory, source), to)).ExitCode);
        else
            Assert.Equal(name, CopyRules.NameAt(new CopyRules.Source(isDirectory, source), to));
    }

    [Theory]
    [InlineData("web:/etc/passwd", "web", "/etc/passwd")]
    [InlineData("shop/web:etc", "shop/web", "/etc")]
    [InlineData("web:/a:b", "web", "/a:b")]
    [InlineData("/a:b", null, null)]
    [InlineData("./a:b", null, null)]
    [InlineData("../a:b", null, null)]
    [InlineData("file", null, null)]
    [InlineData("-", null, null)]
    [InlineData(":/a", null, null)]
    public void Word_with_a_colon_is_a_machine_unless_it_is_a_path(string word, string? machine, string? path) =>
        Assert.Equal(machine is null ? null : (machine, path!), CopyRules.Remote(word));

    [Fact]
    public void Machine_without_a_path_is_wrong_usage() =>
        Assert.Equal(CliException.Usage, Assert.Throws<CliException>(() => CopyRules.Remote("web:")).ExitCode);
}
