using System.Diagnostics;

using ZeroOS.Tests.Repository;

namespace ZeroOS.Tests.Node.Doors;

/// <summary>A short <c>make siege</c>: a door in a process of its own, every attacker of the table at once, and two honest users who must not notice.</summary>
[Collection(AloneCollection.Name)]
[Trait("tier", "kernel")]
public sealed class SiegeTests
{
    [SkippableFact]
    public Task Honest_users_are_answered_in_time_under_siege() => BesiegeAsync("--seconds", "15");

    /// <summary>Long: a door that the installed runtime compiles is killed before it is there, where the computer is slow.</summary>
    [SkippableFact]
    [Trait("length", "long")]
    public Task Honest_users_are_answered_under_siege_while_doors_are_killed() => BesiegeAsync("--seconds", "12", "--kill-door");

    private static async Task BesiegeAsync(params string[] arguments)
    {
        string program = Path.Combine(Checkout.Root, "out", "dotnet", "bin", "ZeroOS.Siege", "release", "zsiege.dll");
        Skip.IfNot(File.Exists(program), $"{program} is not there");
        ProcessStartInfo start = new("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in (string[])[program, .. arguments])
            start.ArgumentList.Add(argument);
        using Process siege = Process.Start(start)!;
        Task<string> error = siege.StandardError.ReadToEndAsync();
        string figures = await siege.StandardOutput.ReadToEndAsync();
        await siege.WaitForExitAsync();
        Skip.If(siege.ExitCode == 3, figures.TrimEnd().Split('\n')[^1]);
        Assert.True(siege.ExitCode == 0, $"{figures}\n{await error}");
    }
}
