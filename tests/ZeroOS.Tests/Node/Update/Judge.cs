using ZeroOS.Tests.Linux.Netlink;

namespace ZeroOS.Tests.Node.Update;

/// <summary>Programs that are not ours and say what we made.</summary>
internal static class Judge
{
    /// <summary>What it says; anything but success fails the test.</summary>
    public static string Run(string program, params string[] arguments)
    {
        (int code, string output) = NamespaceTool.Try(program, arguments);
        Assert.True(code == 0, $"{program} {string.Join(' ', arguments)}: exit {code}: {output}");
        return output;
    }

    /// <summary>Skips the test where one of them is not installed.</summary>
    public static void Need(params string[] programs)
    {
        foreach (string program in programs)
            Skip.IfNot(File.Exists($"/usr/bin/{program}") || File.Exists($"/usr/sbin/{program}"), $"{program} is not installed");
    }
}
