using System.Text.Json.Nodes;

namespace ZeroOS.Docker.Creation;

/// <summary>A named volume in a container.</summary>
/// <param name="Name">Docker's name of the volume.</param>
/// <param name="Path">Where it is mounted.</param>
/// <param name="IsReadOnly">Mounted read-only.</param>
/// <param name="Creation">How it is made where it is not there, as POST /volumes/create has it.</param>
internal sealed record VolumePlace(string Name, string Path, bool IsReadOnly, JsonObject Creation);
