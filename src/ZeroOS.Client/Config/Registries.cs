using System.Net;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Contracts.Farm;
using ZeroOS.Oci.Registry;

namespace ZeroOS.Client.Config;

/// <summary>Where registries are, seen from this computer: the same names the farm settings give them for the node.</summary>
public sealed class Registries
{
    private readonly Dictionary<string, Uri> _urls = new(StringComparer.Ordinal);

    /// <summary>The configuration's, then those of the command line; <paramref name="options"/> are NAME=URL.</summary>
    public Registries(ClientConfig config, IEnumerable<string> options)
    {
        foreach ((string name, string url) in config.Registries)
            _urls[name] = ParseUrl(name, url);
        foreach (string option in options)
        {
            (string name, FarmRegistry registry) = ParseOption(option);
            _urls[name] = new Uri(registry.Url);
            First ??= name;
        }
    }

    /// <summary>The first one of the command line, or null.</summary>
    public string? First { get; }

    /// <summary>Whether a registry of that name has a URL here.</summary>
    public bool Knows(string name) => _urls.ContainsKey(name);

    /// <summary>NAME=URL[,plain]; a URL of plain HTTP needs the word only in farm settings.</summary>
    public static (string Name, FarmRegistry Registry) ParseOption(string option)
    {
        int equals = option.IndexOf('=', StringComparison.Ordinal);
        if (equals <= 0)
            throw new ClientException($"\"{option}\" is not NAME=URL, as in --registry demo=http://127.0.0.1:5000", isUsage: true);
        string name = option[..equals], url = option[(equals + 1)..];
        bool plain = url.EndsWith(",plain", StringComparison.Ordinal);
        if (plain)
            url = url[..^6];
        Uri parsed = ParseUrl(name, url);
        return (name, new FarmRegistry { Url = parsed.GetLeftPart(UriPartial.Authority), PlainHttp = plain });
    }

    /// <summary>Opens the registry a reference names.</summary>
    /// <exception cref="ClientException">It is not known, or would mean another computer to the node than to us.</exception>
    public RegistryClient Open(RegistryReference reference, RegistryCredentials? credentials = null)
    {
        if (_urls.TryGetValue(reference.Registry, out Uri? url))
            return new RegistryClient(url, plainHttp: url.Scheme == Uri.UriSchemeHttp, credentials);
        if (IsLoopback(reference.Registry))
            throw new ClientException($"\"{reference}\" is on the loopback address, which is another computer for the node; give the registry a name with "
                + $"--registry NAME=http://{reference.Registry} and the node's own address for that name in the farm settings");
        if (!reference.Registry.Contains('.', StringComparison.Ordinal) && !reference.Registry.Contains(':', StringComparison.Ordinal))
            throw new ClientException($"no registry is called \"{reference.Registry}\" here; say where it is with --registry {reference.Registry}=URL");
        return new RegistryClient(new Uri($"https://{reference.Registry}"), plainHttp: false, credentials);
    }

    /// <summary>
    /// Opens a registry that only this computer pulls from. Docker Hub is where Docker finds it; a registry on loopback is this computer's, by plain HTTP as
    /// Docker does.
    /// </summary>
    /// <exception cref="ClientException">It is not known.</exception>
    public RegistryClient OpenToPull(RegistryReference reference, RegistryCredentials? credentials)
    {
        if (_urls.ContainsKey(reference.Registry))
            return Open(reference, credentials);
        if (reference.Registry == RegistryReference.DockerHub)
            return new RegistryClient(new Uri("https://registry-1.docker.io"), plainHttp: false, credentials);
        return IsLoopback(reference.Registry)
            ? new RegistryClient(new Uri($"http://{reference.Registry}"), plainHttp: true, credentials)
            : Open(reference, credentials);
    }

    /// <summary>A reference, or why it is none.</summary>
    public static RegistryReference Parse(string text) => RegistryReference.TryParse(text, out RegistryReference? reference, out string? error)
        ? reference
        : throw new ClientException(error, isUsage: true);

    private static bool IsLoopback(string registry)
    {
        string host = registry.Split(':')[0];
        return host == "localhost" || (IPAddress.TryParse(host, out IPAddress? address) && IPAddress.IsLoopback(address));
    }

    private static Uri ParseUrl(string name, string url) =>
        Uri.TryCreate(url, UriKind.Absolute, out Uri? parsed) && parsed.Scheme is "http" or "https" && parsed.PathAndQuery == "/" && parsed.UserInfo.Length == 0
            ? parsed
            : throw new ClientException($"\"{url}\" for registry {name} is not a URL such as https://registry.example or http://127.0.0.1:5000", isUsage: true);
}
