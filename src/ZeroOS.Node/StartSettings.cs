using ZeroOS.Bus.Farm;
using ZeroOS.Contracts.Farm;
using ZeroOS.Linux;
using ZeroOS.Node.Farm;

namespace ZeroOS.Node;

/// <summary>The farm settings of this start.</summary>
/// <param name="Farm">Verified, and from the decision on in force; null: the node says who it is and refuses the rest.</param>
/// <param name="Trouble">Why there are none, or what was found and is not in force; null if all is well.</param>
internal sealed record StartSettings(VerifiedFarm? Farm, (string Reason, string Message)? Trouble)
{
    private const int MaxText = 200;

    /// <summary>What is in force.</summary>
    public FarmSettings? InForce => Farm?.Settings;

    private static string Path => File.Exists(FarmSettings.SealedPath) ? FarmSettings.SealedPath : FarmSettings.Path;

    /// <summary>
    /// Reads and verifies what is in or beside the image. What was put into the image before it was signed goes before what lay beside it, so that no boot
    /// medium and no network gives such a node another owner.
    /// </summary>
    public static StartSettings Read(ILog log)
    {
        string path = Path;
        if (!File.Exists(path))
            return new StartSettings(null, ("no-settings", "no farm settings: the node says who it is and refuses the rest (zos farm new makes them)"));
        string? fault = "larger than farm settings can be";
        VerifiedFarm? farm = null;
        if (new FileInfo(path).Length > FarmDocument.MaxBytes || !FarmDocument.TryVerifyWithSigners(File.ReadAllBytes(path), out farm, out fault))
            return new StartSettings(null, ("settings-refused", $"farm settings are refused: {HostileText.Plain(fault, MaxText)}"));
        string where = path == FarmSettings.SealedPath ? "the image" : "the boot medium";
        log.Info($"farm found from=\"{where}\" {Describe(farm.Settings)}");
        return new StartSettings(farm, null);
    }

    /// <summary>What was decided to be in force, and logs it.</summary>
    public static StartSettings Of(FarmDecision decision, ILog log)
    {
        if (decision.Trouble is (string reason, string message))
        {
            // A node that nobody owns yet, and one that was booted from a bare stick, need nobody at once.
            Action<string> say = reason is "no-settings" or "settings-not-on-medium" ? log.Warn : log.Error;
            say($"event=farm-settings reason={reason} message=\"{message}\"");
        }
        if (decision.InForce is { } farm)
            log.Info($"farm in force {Describe(farm.Settings)}");
        return new StartSettings(decision.InForce, decision.Trouble);
    }

    private static string Describe(FarmSettings settings) =>
        $"name=\"{HostileText.Plain(settings.Name, MaxText)}\" id={settings.FarmId} version={settings.Version} owners={settings.Owners.Count}";
}
