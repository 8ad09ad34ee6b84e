using ZeroOS.Bus.Json;
using ZeroOS.Bus.Release;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Release;

namespace ZeroOS.Node.Update;

/// <summary>Everything that has to hold before a release is so much as fetched, in the order it is asked.</summary>
internal static class ReleaseGate
{
    /// <summary>The manifest in a message's base64.</summary>
    /// <param name="release">The document, base64.</param>
    /// <param name="keys">The release keys of the running image.</param>
    /// <param name="running">Its version.</param>
    /// <param name="highest">The highest version ever kept here; null if none.</param>
    /// <param name="channel">The channel the farm settings name; null for the usual one.</param>
    /// <param name="document">The document's bytes.</param>
    /// <exception cref="BusErrorException">invalid, unavailable, denied or conflict, each with what is wrong.</exception>
    public static ReleaseManifest Check(string release, ReleaseKeys keys, Version running, Version? highest, string? channel, out byte[] document)
    {
        if (release.Length > ReleaseDocument.MaxBytes * 2 || !CanonicalBase64.TryDecode(release, out document))
            throw new BusErrorException(ErrorCodes.Invalid, "the release is not base64 of a document", "release");
        if (keys.Keys.Count == 0)
            throw new BusErrorException(ErrorCodes.Unavailable, "the running image names no release keys: it takes no updates");
        if (!ReleaseDocument.TryInspect(document, out _, out _, out string? fault))
            throw new BusErrorException(ErrorCodes.Invalid, $"not a release: {fault}", "release");
        if (!ReleaseDocument.TryVerify(document, keys, out ReleaseManifest? manifest, out fault))
            throw new BusErrorException(ErrorCodes.Denied, fault);
        Version version = Parse(manifest.Version), minimum = Parse(manifest.MinimumVersion);
        if (version <= running)
            throw new BusErrorException(ErrorCodes.Conflict,
                version == running ? $"version {running} runs already" : $"{version} is older than {running}, which runs: a node goes forward only");
        if (highest is not null && version <= highest)
            throw new BusErrorException(ErrorCodes.Conflict, $"{version} is not newer than {highest}, which this node had before: a node goes forward only");
        string wanted = channel ?? ReleaseManifest.DefaultChannel;
        if (manifest.Channel != wanted)
            throw new BusErrorException(ErrorCodes.Conflict, $"the release is for the channel \"{manifest.Channel}\", this node's farm follows \"{wanted}\"");
        if (minimum > running)
            throw new BusErrorException(ErrorCodes.Conflict,
                $"{version} can be reached from {minimum} on, and {running} runs: update to a version between them first");
        return manifest;
    }

    /// <summary>A version that was checked to be one.</summary>
    public static Version Parse(string version) =>
        ReleaseDocument.TryParseVersion(version, out Version? parsed) ? parsed : throw new ArgumentException($"{version} is no version", nameof(version));
}
