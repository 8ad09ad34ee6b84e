using ZeroOS.Bus.Farm;
using ZeroOS.Bus.Keys;
using ZeroOS.Node.Identity;

namespace ZeroOS.Tests.Cli.Verbs;

/// <summary>zos farm as owners type it, and a node's rule as the judge of what comes out.</summary>
[Collection("zos")]
public sealed class FarmVerbsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("zos-farm-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Owners_write_what_follows_their_settings_and_the_recovery_key_replaces_them()
    {
        await Ok("anna", "key", "new");
        await Ok("bert", "key", "new");
        string anna = (await Ok("anna", "key", "show")).Trim(), bert = (await Ok("bert", "key", "show")).Trim();
        string recovery = In("recovery");
        File.WriteAllText(recovery, await Ok("anna", "farm", "new", "--owner", anna, "--name", "hill", "-o", In("1")));
        PinnedTerms first = PinnedTerms.Of(Farm("1").Settings);

        await Ok("anna", "farm", "next", In("1"), "--owner", anna, "--owner", bert, "--threshold", "2", "-o", In("2"));
        Assert.False(FarmDocument.TryVerify(File.ReadAllBytes(In("2")), out _, out _));
        await Ok("bert", "farm", "sign", In("2"));
        Assert.Null(first.Refusal(Farm("2")));
        Assert.Equal((2, 0, "hill", 2),
            (Farm("2").Settings.Version, Farm("2").Settings.RecoveryGeneration, Farm("2").Settings.Name, Farm("2").Settings.Threshold));
        PinnedTerms second = PinnedTerms.Of(Farm("2").Settings);

        // Bert goes: he signs what he is no owner of any more.
        await Ok("anna", "farm", "next", In("2"), "--owner", anna, "--threshold", "1", "-o", In("3"));
        Assert.Equal("settings-not-signed", second.Refusal(Farm("3"))?.Reason);
        Assert.Contains("is not an owner", (await Run("bert", "farm", "sign", In("3"))).Error, StringComparison.Ordinal);
        await Ok("bert", "farm", "sign", In("3"), "--former");
        Assert.Null(second.Refusal(Farm("3")));
        Assert.True(second.IsWeakenedBy(Farm("3")));
        Assert.Contains($"signed    {bert}  no owner of this version", await Ok("anna", "farm", "inspect", In("3")), StringComparison.Ordinal);

        // Both keys are lost, or a thief has them.
        await Ok("carl", "key", "new");
        string carl = (await Ok("carl", "key", "show")).Trim();
        Assert.Contains("--recovery-key", (await Run("carl", "farm", "next", In("3"), "-o", In("x"))).Error, StringComparison.Ordinal);
        await Ok("carl", "farm", "next", In("3"), "--owner", carl, "--recovery-key", recovery, "-o", In("4"));
        Assert.Null(PinnedTerms.Of(Farm("3").Settings).Refusal(Farm("4")));
        Assert.False(PinnedTerms.Of(Farm("3").Settings).IsWeakenedBy(Farm("4")));
        Assert.Equal(1, Farm("4").Settings.RecoveryGeneration);
        Assert.Contains("recovery generation 1", await Ok("carl", "farm", "inspect", In("4")), StringComparison.Ordinal);
    }

    private string In(string name) => Path.Combine(_folder, name);

    private VerifiedFarm Farm(string name) =>
        FarmDocument.TryVerifyWithSigners(File.ReadAllBytes(In(name)), out VerifiedFarm? farm, out string? fault)
        ? farm
        : throw new InvalidDataException(fault);

    private async Task<string> Ok(string who, params string[] args) => (await Run(who, args)).Ended(0).Out;

    private Task<ZosRun> Run(string who, params string[] args) => ZosRun.OfAsync(In(who + ".config"), args);
}
