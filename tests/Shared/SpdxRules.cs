using System.Text.Json;

namespace ZeroOS.Tests.Shared;

/// <summary>The rules of SPDX for a bill of materials, judged without the code that writes it.</summary>
internal static class SpdxRules
{
    /// <summary>What SPDX 2.3 demands of a document and can be seen without its schema: mandatory fields, forms of identifiers, no loose ends.</summary>
    public static void Hold(JsonElement document)
    {
        Assert.Equal("SPDX-2.3", document.GetProperty("spdxVersion").GetString());
        Assert.Equal("CC0-1.0", document.GetProperty("dataLicense").GetString());
        Assert.Equal("SPDXRef-DOCUMENT", document.GetProperty("SPDXID").GetString());
        Assert.NotEmpty(document.GetProperty("name").GetString()!);
        Assert.True(Uri.TryCreate(document.GetProperty("documentNamespace").GetString(), UriKind.Absolute, out Uri? space) && space.Fragment.Length == 0);
        Assert.All(document.GetProperty("creationInfo").GetProperty("creators").EnumerateArray(),
            c => Assert.Matches("^(Person|Organization|Tool): .", c.GetString()));
        HashSet<string> ids = ["SPDXRef-DOCUMENT"];
        foreach (JsonElement package in document.GetProperty("packages").EnumerateArray())
        {
            Assert.Matches("^SPDXRef-[a-zA-Z0-9.-]+$", package.GetProperty("SPDXID").GetString());
            Assert.True(ids.Add(package.GetProperty("SPDXID").GetString()!), $"{package.GetProperty("SPDXID")} is there twice");
            Assert.NotEmpty(package.GetProperty("name").GetString()!);
            Assert.NotEmpty(package.GetProperty("downloadLocation").GetString()!);
            Assert.False(package.GetProperty("filesAnalyzed").GetBoolean());
            Assert.Matches("^(NOASSERTION|(Person|Organization): .+)$", package.GetProperty("supplier").GetString());
        }
        HashSet<string> related = [];
        foreach (JsonElement relationship in document.GetProperty("relationships").EnumerateArray())
        {
            Assert.Contains(relationship.GetProperty("spdxElementId").GetString()!, ids);
            Assert.Contains(relationship.GetProperty("relatedSpdxElement").GetString()!, ids);
            related.Add(relationship.GetProperty("spdxElementId").GetString()!);
            related.Add(relationship.GetProperty("relatedSpdxElement").GetString()!);
        }
        Assert.Equal(ids.Order(), related.Order());
    }
}
