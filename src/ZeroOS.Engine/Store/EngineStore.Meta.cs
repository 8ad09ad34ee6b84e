using System.Globalization;

namespace ZeroOS.Engine.Store;

public sealed partial class EngineStore
{
    private const string FarmVersionKey = "farm-version";

    /// <summary>The highest version of farm settings this node has seen; 0 for none.</summary>
    public int FarmVersionSeen => Read(() => Meta(FarmVersionKey) is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : 0);

    /// <summary>Remembers a version of farm settings; a lower one than seen is not remembered and answers false.</summary>
    public bool SeeFarmVersion(int version) => Write(() =>
    {
        if (version < FarmVersionSeen)
            return false;
        SetMeta(FarmVersionKey, version.ToString(CultureInfo.InvariantCulture));
        return true;
    });

    /// <summary>Tells every owner, and every tenant, that the farm's settings changed or are about to.</summary>
    internal void TellFarm(IReadOnlyList<string> owners, string reason, string message) => Write(() =>
    {
        foreach (string receiver in owners.Union(Grantees))
            AddEvent(receiver, "farm-settings", reason: reason, message: message);
    });

    private string? Meta(string key) => Query("SELECT value FROM meta WHERE key=$1", r => r.GetString(0), key).FirstOrDefault();

    private void SetMeta(string key, string value) => Execute("INSERT INTO meta VALUES($1,$2) ON CONFLICT(key) DO UPDATE SET value=excluded.value", key, value);
}
