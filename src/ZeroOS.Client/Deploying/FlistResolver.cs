using ZeroOS.Client.Config;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Flist;
using ZeroOS.Oci.Registry;

namespace ZeroOS.Client.Deploying;

/// <summary>Finds the digest a reference stands for now: what is signed is the digest, so nobody can swap the image afterwards.</summary>
public static class FlistResolver
{
    /// <summary>Asks the registry; makes sure it is a flist.</summary>
    /// <exception cref="ClientException">A container image that is no flist, with what to do.</exception>
    public static async Task<string> DigestAsync(Registries registries, string text, RegistryCredentials? credentials, CancellationToken cancellation)
    {
        if (IsPlainImage(registries, text))
            throw new ClientException(WhatToDo(text));
        RegistryReference reference = Registries.Parse(text);
        using RegistryClient registry = registries.Open(reference, credentials);
        RegistryManifest manifest = await registry.GetManifestAsync(reference.Repository, reference.Target, cancellation: cancellation);
        try
        {
            _ = FlistManifest.Parse(manifest.Bytes);
        }
        catch (FlistFormatException)
        {
            throw new ClientException(WhatToDo(text));
        }
        return manifest.Digest.ToString();
    }

    /// <summary>What Docker would take from its hub: no registry at all, the hub itself, or a name in front that no registry here has.</summary>
    private static bool IsPlainImage(Registries registries, string text)
    {
        string first = text.Split('/')[0];
        return first == text || first is "docker.io" or "docker:"
            || (!first.Contains('.', StringComparison.Ordinal) && !first.Contains(':', StringComparison.Ordinal)
            && first != "localhost" && !registries.Knows(first));
    }

    private static string WhatToDo(string text)
    {
        string image = text.Replace("docker://", "", StringComparison.Ordinal);
        return $"\"{text}\" is a container image, and no flist of it is known here; a node runs flists. Build it, push it and run it at once: "
            + $"zos run --registry NAME=URL docker://{image}; or zos flist build docker://{image} -o OUT and zos flist push OUT NAME/IMAGE. "
            + "If NAME is a registry of yours, say where with --registry NAME=URL";
    }
}
