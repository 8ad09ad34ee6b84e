using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;

using ZeroOS.Flist;

namespace ZeroOS.Oci.Registry;

/// <summary>
/// "registry/name[:tag][@sha256:...]": what people write and deployments carry. The first component always names the registry: by its name in the
/// farm settings ("demo/nginx:1" is repository "nginx" of the registry "demo") or by host and port. Grammar of the rest: OCI distribution-spec, "Pulling
/// manifests".
/// </summary>
public sealed partial record RegistryReference
{
    /// <summary>What Docker calls its own registry.</summary>
    public const string DockerHub = "docker.io";

    /// <summary>Characters in a reference at most.</summary>
    public const int MaxLength = 512;

    /// <summary>The registry's name or "host[:port]".</summary>
    public required string Registry { get; init; }

    /// <summary>The repository in the registry, "library/nginx".</summary>
    public required string Repository { get; init; }

    /// <summary>The tag; "latest" when neither tag nor digest was written.</summary>
    public string? Tag { get; init; }

    /// <summary>The digest, if written.</summary>
    public Sha256Digest? Digest { get; init; }

    /// <summary>What to ask the registry for: the digest if there is one, the tag otherwise.</summary>
    public string Target => Digest?.ToString() ?? Tag ?? "latest";

    /// <summary>Reads a reference, or says in a sentence what is wrong with it.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out RegistryReference? reference, [NotNullWhen(false)] out string? error)
    {
        reference = null;
        error = null;
        if (text.Length is 0 or > MaxLength)
            error = $"an image reference has 1 to {MaxLength} characters";
        else if (text.IndexOf('/', StringComparison.Ordinal) is var slash && slash <= 0)
            error = $"\"{text}\" names no registry; write REGISTRY/NAME[:TAG]";
        else if (!RegistryPattern().IsMatch(text.AsSpan(0, slash)))
            error = $"\"{text[..slash]}\" is not a registry's name";
        else
            reference = ParseRest(text[..slash], text[(slash + 1)..], ref error);
        return reference is not null;
    }

    /// <summary>
    /// Reads a reference as Docker does: the first component is a registry if it has a dot or a colon, is "localhost", or if
    /// <paramref name="isRegistry"/> says so; else the image is Docker Hub's, in "library" if its name has one component ("nginx" is
    /// "docker.io/library/nginx:latest").
    /// </summary>
    public static bool TryParseDocker(string text, Func<string, bool> isRegistry, [NotNullWhen(true)] out RegistryReference? reference,
        [NotNullWhen(false)] out string? error)
    {
        if (text.Length == 0)
            return TryParse(text, out reference, out error);
        int slash = text.IndexOf('/', StringComparison.Ordinal);
        string first = slash < 0 ? "" : text[..slash];
        if (first == "index.docker.io")
            (first, text) = (DockerHub, DockerHub + text[slash..]);
        bool named = first == "localhost" || first.AsSpan().IndexOfAny('.', ':') >= 0 || (first.Length > 0 && isRegistry(first));
        if (!named)
            text = $"{DockerHub}/{text}";
        if ((!named || first == DockerHub) && text.LastIndexOf('/') == DockerHub.Length)
            text = $"{DockerHub}/library{text[DockerHub.Length..]}";
        return TryParse(text, out reference, out error);
    }

    /// <summary>Whether the text is a repository name as registries allow it.</summary>
    public static bool IsRepository(string text) => text.Length is > 0 and <= 255 && RepositoryPattern().IsMatch(text);

    /// <summary>Whether the text is a tag as registries allow it.</summary>
    public static bool IsTag(string text) => TagPattern().IsMatch(text);

    /// <inheritdoc/>
    public override string ToString() => $"{Registry}/{Repository}{(Tag is null ? "" : ":" + Tag)}{(Digest is null ? "" : "@" + Digest)}";

    private static RegistryReference? ParseRest(string registry, string rest, ref string? error)
    {
        Sha256Digest? digest = null;
        if (rest.IndexOf('@', StringComparison.Ordinal) is var at && at >= 0)
        {
            if (!Sha256Digest.TryParse(rest[(at + 1)..], out Sha256Digest parsed))
            {
                error = $"\"{rest[(at + 1)..]}\" is not a sha256 digest";
                return null;
            }
            digest = parsed;
            rest = rest[..at];
        }
        string? tag = digest is null ? "latest" : null;
        if (rest.LastIndexOf(':') is var colon && colon >= 0)
        {
            tag = rest[(colon + 1)..];
            rest = rest[..colon];
            if (!IsTag(tag))
            {
                error = $"\"{tag}\" is not a tag";
                return null;
            }
        }
        if (IsRepository(rest))
            return new RegistryReference { Registry = registry, Repository = rest, Tag = tag, Digest = digest };
        error = $"\"{rest}\" is not a repository name (lower-case letters, digits, and . _ - / between them)";
        return null;
    }

    [GeneratedRegex(@"\A[A-Za-z0-9]([A-Za-z0-9._-]{0,250}[A-Za-z0-9])?(:[0-9]{1,5})?\z", RegexOptions.CultureInvariant)]
    private static partial Regex RegistryPattern();

    [GeneratedRegex(@"\A[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*\z",
        RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex RepositoryPattern();

    [GeneratedRegex(@"\A[A-Za-z0-9_][A-Za-z0-9._-]{0,127}\z", RegexOptions.CultureInvariant)]
    private static partial Regex TagPattern();
}
